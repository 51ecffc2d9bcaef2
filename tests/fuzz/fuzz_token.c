/* A token as anybody may send it: the key is not known to the fuzzer, so the input itself is never
 * accepted, and the refusal has words. Then the same bytes as the claims of a token that is signed:
 * who is accepted has a sub, a role and an end. */
#include "base/mem.h"
#include "base/text.h"
#include "identity/token.h"
#include "protocol/pusher_sign.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1700000000
#define SECRET "0123456789abcdef0123456789abcdef"

static const verifier *the_verifier(void)
{
    static verifier v;
    static const config conf = {.jwt_algorithm = "HS256",
                                .jwt_secret = SECRET,
                                .jwt_key_file = "",
                                .jwt_keys = "",
                                .jwt_issuer = "",
                                .jwt_audience = "a"};
    buf why = {0};
    if (!v.keys)
        v = (verifier){&conf, key_set_load(&conf, &why), revocations_new()};
    return &v;
}

static char *signed_token(const char *claims)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    char *head = text_base64url(header, sizeof(header) - 1);
    char *body = text_base64url(claims, strlen(claims));
    char *text = mem_printf("%s.%s", head, body);
    char hex[PUSHER_SIGNATURE_SIZE];
    unsigned char mac[32];
    pusher_sign(SECRET, text, strlen(text), hex);
    for (size_t i = 0; i < sizeof(mac); i++)
        mac[i] = (unsigned char)(text_hex_digit(hex[2 * i]) << 4 | text_hex_digit(hex[2 * i + 1]));
    char *signature = text_base64url(mac, sizeof(mac));
    char *token = mem_printf("%s.%s", text, signature);
    free(head);
    free(body);
    free(text);
    free(signature);
    return token;
}

static void check_claims(const char *claims)
{
    const char *why = NULL;
    char *token = signed_token(claims);
    caller *who = token_verify(the_verifier(), token, NOW, &why);
    if (!who)
        assert(why && *why != '\0');
    else
        assert(*who->sub != '\0' && strlen(who->sub) <= TOKEN_SUB_MAX &&
               strlen(who->name) <= TOKEN_NAME_MAX && who->expires_at > NOW - 60);
    caller_free(who);
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    assert(!token_verify(the_verifier(), text, NOW, &why));
    assert(why && *why != '\0');
    check_claims(text);
    free(text);
    return 0;
}
