/* pusher_request.h - the signature of a call of the HTTP API. Pure.
 *
 *     METHOD "\n" PATH "\n" name=value&name=value…   sorted by name, without auth_signature, values
 *                                                    not escaped
 *
 * Libraries differ in what they sign: the path with or without a proxy's prefix, escaped or not,
 * and '+' or a space. Since the path and the values come here decoded, each of those spellings is
 * tried; a signature over any of them proves the secret.
 */
#ifndef UNICHAT_PROTOCOL_PUSHER_REQUEST_H
#define UNICHAT_PROTOCOL_PUSHER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pusher_param {
    const char *name, *value;
} pusher_param;

typedef struct pusher_request {
    const char *method;
    const char *path;   /* decoded */
    const char *prefix; /* that the path may begin with, or "" */
    const pusher_param *params;
    size_t n_params;
    const void *body;
    size_t body_len;
    int64_t now; /* Unix seconds */
} pusher_request;

/* The text to sign, for one spelling of the path. The caller frees. */
char *pusher_request_text(const char *method, const char *path, const pusher_param *params,
                          size_t n_params) __attribute__((warn_unused_result));

/* NULL if the request is signed by the holder of the secret, now, and over this body; else a text
 * that says what is wrong and never the right signature, which the caller frees. */
char *pusher_request_check(const pusher_request *r, const char *key, const char *secret)
    __attribute__((warn_unused_result));

#endif
