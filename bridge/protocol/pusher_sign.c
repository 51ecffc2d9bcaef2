/* pusher_sign.c - see pusher_sign.h. */
#include "protocol/pusher_sign.h"

#include "base/mem.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

void pusher_sign(const char *secret, const void *text, size_t len, char out[PUSHER_SIGNATURE_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;

    HMAC(EVP_sha256(), secret, (int)strlen(secret), text, len, digest, &digest_len);
    text_hex(out, digest, digest_len);
}

void pusher_md5(const void *data, size_t len, char out[PUSHER_MD5_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;

    EVP_Digest(data, len, digest, &digest_len, EVP_md5(), NULL);
    text_hex(out, digest, digest_len);
}

static char *channel_text(const char *socket_id, const char *channel, const char *channel_data)
{
    if (channel_data)
        return mem_printf("%s:%s:%s", socket_id, channel, channel_data);
    return mem_printf("%s:%s", socket_id, channel);
}

static char *user_text(const char *socket_id, const char *user_data)
{
    return mem_printf("%s::user::%s", socket_id, user_data);
}

/* Takes over `text`. */
static char *sign_as(const char *key, const char *secret, char *text)
{
    char signature[PUSHER_SIGNATURE_SIZE];

    pusher_sign(secret, text, strlen(text), signature);
    free(text);
    return mem_printf("%s:%s", key, signature);
}

char *pusher_sign_channel(const char *key, const char *secret, const char *socket_id,
                          const char *channel, const char *channel_data)
{
    return sign_as(key, secret, channel_text(socket_id, channel, channel_data));
}

char *pusher_sign_user(const char *key, const char *secret, const char *socket_id,
                       const char *user_data)
{
    return sign_as(key, secret, user_text(socket_id, user_data));
}

/* Takes over `text`. The key is no secret, so it is compared by itself and refused by name. */
static pusher_auth check(const char *auth, const char *key, const char *secret, char *text)
{
    const char *colon = auth ? strrchr(auth, ':') : NULL;
    char signature[PUSHER_SIGNATURE_SIZE];
    pusher_auth result = PUSHER_AUTH_OK;

    pusher_sign(secret, text, strlen(text), signature);
    free(text);
    if (!auth || !*auth)
        result = PUSHER_AUTH_MISSING;
    else if (!colon || (size_t)(colon - auth) != strlen(key) || memcmp(auth, key, strlen(key)) != 0)
        result = PUSHER_AUTH_WRONG_KEY;
    else if (!text_equal_secret(colon + 1, strlen(colon + 1), signature, strlen(signature)))
        result = PUSHER_AUTH_WRONG_SIGNATURE;
    return result;
}

pusher_auth pusher_check_channel(const char *auth, const char *key, const char *secret,
                                 const char *socket_id, const char *channel,
                                 const char *channel_data)
{
    return check(auth, key, secret, channel_text(socket_id, channel, channel_data));
}

pusher_auth pusher_check_user(const char *auth, const char *key, const char *secret,
                              const char *socket_id, const char *user_data)
{
    return check(auth, key, secret, user_text(socket_id, user_data));
}

bool pusher_socket_id_valid(const char *s)
{
    size_t left = strspn(s, "0123456789");
    size_t right = s[left] == '.' ? strspn(s + left + 1, "0123456789") : 0;

    return left > 0 && left <= 20 && right > 0 && right <= 20 && !s[left + 1 + right];
}
