/* A token as anybody may send it. The key is not known to the fuzzer, so nothing is ever accepted,
 * and every refusal has words. */
#include "identity/token.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static token_key *the_key(void)
{
    static const config conf = {.jwt_algorithm = "HS256",
                                .jwt_secret = "0123456789abcdef0123456789abcdef",
                                .jwt_key_file = "",
                                .jwt_issuer = "",
                                .jwt_audience = ""};
    static token_key *key;
    const char *why;
    if (key == NULL)
        key = token_key_load(&conf, &why);
    return key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    assert(token_verify(the_key(), text, 1700000000, &why) == NULL);
    assert(why != NULL && *why != '\0');
    free(text);
    return 0;
}
