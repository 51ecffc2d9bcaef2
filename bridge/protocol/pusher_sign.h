/* pusher_sign.h - every signature of the Pusher protocol: HMAC-SHA256 with the app's secret, in
 * lower-case hex. Pure.
 *
 *     channel    SOCKET_ID ":" CHANNEL [":" CHANNEL_DATA]   the data where there is any, whatever
 *                                                           the channel's type
 *     sign-in    SOCKET_ID "::user::" USER_DATA
 *     HTTP API   METHOD "\n" PATH "\n" SORTED_QUERY         pusher_request.h
 *     webhook    the raw body
 */
#ifndef UNICHAT_PROTOCOL_PUSHER_SIGN_H
#define UNICHAT_PROTOCOL_PUSHER_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#define PUSHER_SIGNATURE_SIZE 65 /* 64 digits and NUL */
#define PUSHER_MD5_SIZE 33

/* The signature of any text. */
void pusher_sign(const char *secret, const void *text, size_t len, char out[PUSHER_SIGNATURE_SIZE]);

/* "KEY:SIGNATURE", the `auth` of an authorization endpoint; channel_data may be NULL. The caller
 * frees. */
char *pusher_sign_channel(const char *key, const char *secret, const char *socket_id,
                          const char *channel, const char *channel_data)
    __attribute__((warn_unused_result));
char *pusher_sign_user(const char *key, const char *secret, const char *socket_id,
                       const char *user_data) __attribute__((warn_unused_result));

/* What is wrong with an `auth` that a client presents. Compared in constant time. */
typedef enum pusher_auth {
    PUSHER_AUTH_OK,
    PUSHER_AUTH_MISSING,
    PUSHER_AUTH_WRONG_KEY,
    PUSHER_AUTH_WRONG_SIGNATURE,
} pusher_auth;

pusher_auth pusher_check_channel(const char *auth, const char *key, const char *secret,
                                 const char *socket_id, const char *channel,
                                 const char *channel_data);
pusher_auth pusher_check_user(const char *auth, const char *key, const char *secret,
                              const char *socket_id, const char *user_data);

/* Lower-case hex MD5, for body_md5. */
void pusher_md5(const void *data, size_t len, char out[PUSHER_MD5_SIZE]);

/* What clients of every SDK write: two decimal numbers and a dot. */
bool pusher_socket_id_valid(const char *s);

#endif
