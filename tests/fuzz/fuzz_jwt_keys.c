/* A JWK Set. It is taken, with keys that each fit their algorithm, or there are words. */
#include "base/log.h"
#include "base/mem.h"
#include "identity/keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    const config conf = {.jwt_algorithm = "RS256", .jwt_keys = *text == '\0' ? "{}" : text};
    buf why = {0};

    log_set_level(LOG_LEVEL_ERROR);
    key_set *set = key_set_load(&conf, &why);
    assert((!set) == (why.len > 0));
    for (size_t i = 0; set && i < set->count; i++) {
        const token_key *k = &set->keys[i];
        assert(key_is_for(k, k->alg, k->kid) && !key_is_for(k, "none", k->kid));
        assert(key_set_has(set, k->id) && !key_set_has(set, 0));
    }
    key_set_free(set);
    buf_free(&why);
    free(text);
    return 0;
}
