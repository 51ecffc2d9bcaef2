/* http_client.h - HTTP calls to other services, on the loop.
 *
 * libcurl's multi interface driven by uv_poll and one uv_timer: no call blocks the loop. Names are
 * resolved asynchronously by libcurl (in Debian's build by a helper thread of libcurl's own, which
 * runs nothing of ours); http_client_new refuses a libcurl that would block. Knows nothing of who
 * is called or why.
 *
 * What it holds every caller to: http and https only, certificates verified, TLS 1.2 or later, no
 * redirects, a bounded answer, a deadline.
 */
#ifndef UNICHAT_BASE_HTTP_CLIENT_H
#define UNICHAT_BASE_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

typedef struct http_client http_client;
typedef struct http_call http_call;

/* What to call. Everything is copied. */
typedef struct http_call_spec {
    const char *method; /* "GET", "POST", "DELETE" */
    const char *url;
    const char *const *headers; /* "Name: value" lines, ended by NULL; may be NULL */
    const char *body;           /* may be NULL */
    size_t body_len;
    uint64_t timeout_ms; /* for everything, from now to the last byte; 0 is 60 s */
    size_t max_reply;    /* bytes of the answer's body that are kept; 0 is 64 KiB */
} http_call_spec;

/* What came back. Lives until the callback returns. */
typedef struct http_reply {
    int status;        /* 0: there was no answer, or it broke off; then `error` says why */
    const char *error; /* NULL when there was an answer */
    const char
        *body; /* never NULL, has a NUL behind its body_len bytes; more than max_reply is cut off */
    size_t body_len;
    int64_t retry_after_ms; /* of a Retry-After header, seconds or date, at most a day; -1 without
                             * one */
    uint64_t elapsed_ms;
} http_reply;

typedef void http_done(void *arg, const http_reply *reply);

/* Makes a client with at most `max_per_host` connections to one host; calls beyond that wait in
 * line, and their deadline runs. Returns NULL, with a line in the log, when this libcurl cannot be
 * used. */
http_client *http_client_new(uv_loop_t *loop, int max_per_host) __attribute__((warn_unused_result));

/* Starts a call. `done` is called exactly once, from the loop and never from within this function,
 * unless the call is cancelled. A URL that libcurl refuses is reported through `done` too. */
http_call *http_client_start(http_client *client, const http_call_spec *spec, http_done *done,
                             void *arg);

/* Gives a call up; its callback is not called any more. Not from within that callback. */
void http_client_cancel(http_call *call);

/* Cancels what is under way and frees the client once the loop has closed its handles. Not from
 * within a callback. */
void http_client_close(http_client *client);

#endif
