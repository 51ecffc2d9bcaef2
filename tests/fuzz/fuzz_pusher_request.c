/* A signed request: lines of path, name=value..., and after an empty line the body. Whatever comes
 * is refused with a reason, and the reason never tells the signature that would have been right. */
#include "base/mem.h"
#include "protocol/pusher_request.h"
#include "protocol/pusher_sign.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARAMS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size), *rest = text;
    const char *path = strsep(&rest, "\n");
    pusher_param params[PARAMS];
    pusher_request r = {
        .method = "POST", .path = path, .prefix = "/p", .params = params, .now = 1353088179};
    char signature[PUSHER_SIGNATURE_SIZE], *signed_text, *why;

    for (char *line; r.n_params < PARAMS && (line = strsep(&rest, "\n")) && *line;) {
        params[r.n_params].name = strsep(&line, "=");
        params[r.n_params++].value = line ? line : "";
    }
    r.body = rest ? rest : "";
    r.body_len = strlen(r.body);
    why = pusher_request_check(&r, "key", "secret");
    signed_text = pusher_request_text(r.method, path, params, r.n_params);
    pusher_sign("secret", signed_text, strlen(signed_text), signature);
    if (why)
        assert(!strstr(why, signature) || strstr(signed_text, signature));
    free(why);
    free(signed_text);
    free(text);
    return 0;
}
