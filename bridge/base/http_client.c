/* http_client.c - libcurl's multi interface on libuv.
 *
 *     libcurl says                    we do
 *     watch this socket               uv_poll_start on the socket's own handle
 *     forget this socket              stop and close that handle
 *     wake me in n ms                 uv_timer_start; n = 0 is a timer too, so that libcurl is
 *                                     never entered from within itself
 *     (the poll or the timer fires)   curl_multi_socket_action, then collect what has finished
 *
 * Rules that keep this sound
 *  1. libcurl is entered from two places, on_poll and on_timer, and from start and cancel, which
 *     never run inside its callbacks: a caller's `done` runs in collect(), when
 *     curl_multi_socket_action has returned.
 *  2. A finished call is taken out of the multi handle and of the list before `done` runs, so
 *     `done` may start others, and cancel others, freely. It is freed after `done`.
 *  3. A socket's handle is freed in its close callback only.
 *  4. A name is looked up by a thread of libcurl's. A call that ends before its thread leaves it
 *     behind (CURLOPT_QUICK_EXIT); else libcurl would wait for it, and the loop with it, for as long
 *     as a resolver is silent.
 */
#include "base/http_client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define DEFAULT_TIMEOUT_MS 60000
#define DEFAULT_MAX_REPLY (64 * 1024)
#define CONNECT_TIMEOUT_MS 10000
#define RETRY_AFTER_MAX_S 86400

_Static_assert(LIBCURL_VERSION_NUM >= 0x075700, "libcurl 7.87 or later: CURLOPT_QUICK_EXIT");

/* Sets an option; one that libcurl refuses, such as a URL that is longer than it takes, is in the
 * log, and the call then ends with an error of its own. */
#define SET(easy, option, value) check_option(curl_easy_setopt(easy, option, value), #option)

static void check_option(CURLcode code, const char *option)
{
    if (code != CURLE_OK)
        log_error("event=http_option option=%s reason=%s", option, LOG_Q(curl_easy_strerror(code)));
}

struct http_call {
    http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    buf body;
    size_t max_reply;
    uint64_t started_ms;
    http_done *done;
    void *arg;
    char error[CURL_ERROR_SIZE];
    http_call *prev, *next;
};

struct http_client {
    CURLM *multi;
    uv_loop_t *loop;
    uv_timer_t timer;
    http_call *calls;
};

typedef struct http_socket {
    uv_poll_t poll;
    http_client *client;
    curl_socket_t fd;
} http_socket;

static void call_free(http_call *call)
{
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    buf_free(&call->body);
    free(call);
}

static void call_remove(http_call *call)
{
    curl_multi_remove_handle(call->client->multi, call->easy);
    DL_DELETE(call->client->calls, call);
}

/* ---- what has finished ---- */

static int64_t retry_after_ms(const http_call *call)
{
    struct curl_header *header;
    curl_off_t seconds = 0;

    if (curl_easy_header(call->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return -1;
    if (curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK)
        return -1;
    return (seconds < RETRY_AFTER_MAX_S ? (int64_t)seconds : RETRY_AFTER_MAX_S) * 1000;
}

static void call_finish(http_call *call, CURLcode code)
{
    long status = 0;
    http_reply reply = {.retry_after_ms = -1};

    if (code == CURLE_OK)
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status > 0)
        reply.retry_after_ms = retry_after_ms(call);
    else
        reply.error = call->error[0] != '\0' ? call->error : curl_easy_strerror(code);
    reply.status = (int)status;
    reply.body = call->body.data ? call->body.data : "";
    reply.body_len = call->body.len;
    reply.elapsed_ms = clock_monotonic_ms() - call->started_ms;

    call_remove(call);
    call->done(call->arg, &reply);
    call_free(call);
}

static void collect(http_client *client)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left))) {
        http_call *call = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        call_finish(call, message->data.result);
    }
}

/* ---- libcurl asks, libuv watches ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    http_socket *socket = poll->data;
    http_client *client = socket->client;
    int running, flags = 0;

    if (status < 0)
        flags |= CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(client->multi, socket->fd, flags, &running);
    collect(client);
}

static void on_timer(uv_timer_t *timer)
{
    http_client *client = timer->data;
    int running;

    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(client);
}

static void on_socket_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static http_socket *socket_new(http_client *client, curl_socket_t fd)
{
    http_socket *socket = mem_new(http_socket);

    socket->client = client;
    socket->fd = fd;
    if (uv_poll_init_socket(client->loop, &socket->poll, fd) < 0) {
        free(socket);
        return NULL;
    }
    socket->poll.data = socket;
    curl_multi_assign(client->multi, fd, socket);
    return socket;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    http_client *client = arg;
    http_socket *socket = known;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket) {
            curl_multi_assign(client->multi, fd, NULL);
            uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
        }
        return 0;
    }
    if (!socket && !(socket = socket_new(client, fd)))
        return -1;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&socket->poll, events, on_poll) == 0 ? 0 : -1;
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    http_client *client = arg;

    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&client->timer);
    else
        uv_timer_start(&client->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

/* ---- one call ---- */

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    http_call *call = arg;
    size_t len = size * count;
    size_t room = call->max_reply - call->body.len;

    buf_append(&call->body, data, len < room ? len : room);
    return len;
}

static void set_headers(http_call *call, const char *const *headers)
{
    /* Without this, libcurl asks for leave before it sends a body over 1 MiB, and waits a second
     * for it. */
    call->headers = curl_slist_append(call->headers, "Expect:");
    for (; headers && *headers; headers++)
        call->headers = curl_slist_append(call->headers, *headers);
    SET(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_body(CURL *easy, const http_call_spec *spec)
{
    if (spec->body) {
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)spec->body_len);
        SET(easy, CURLOPT_COPYPOSTFIELDS, spec->body);
    } else if (strcmp(spec->method, "POST") == 0) {
        SET(easy, CURLOPT_POSTFIELDSIZE, 0L);
        SET(easy, CURLOPT_POST, 1L);
    }
    SET(easy, CURLOPT_CUSTOMREQUEST, spec->method);
}

static void set_rules(CURL *easy, const http_call_spec *spec)
{
    uint64_t timeout_ms = spec->timeout_ms != 0 ? spec->timeout_ms : DEFAULT_TIMEOUT_MS;

    SET(easy, CURLOPT_URL, spec->url);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L);
    SET(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS));
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(easy, CURLOPT_USERAGENT, "unichat-bridge/" UNICHAT_VERSION);
}

http_call *http_client_start(http_client *client, const http_call_spec *spec, http_done *done,
                             void *arg)
{
    http_call *call = mem_new(http_call);

    call->client = client;
    call->max_reply = spec->max_reply != 0 ? spec->max_reply : DEFAULT_MAX_REPLY;
    call->started_ms = clock_monotonic_ms();
    call->done = done;
    call->arg = arg;
    call->easy = curl_easy_init();
    if (!call->easy)
        abort(); /* out of memory, like mem.h */
    set_rules(call->easy, spec);
    set_body(call->easy, spec);
    set_headers(call, spec->headers);
    SET(call->easy, CURLOPT_PRIVATE, call);
    SET(call->easy, CURLOPT_ERRORBUFFER, call->error);
    SET(call->easy, CURLOPT_WRITEFUNCTION, take_body);
    SET(call->easy, CURLOPT_WRITEDATA, call);

    DL_APPEND(client->calls, call);
    curl_multi_add_handle(client->multi, call->easy);
    return call;
}

void http_client_cancel(http_call *call)
{
    call_remove(call);
    call_free(call);
}

/* ---- the client ---- */

static bool curl_is_usable(void)
{
    const curl_version_info_data *info;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        log_error("event=http_client_unusable reason=\"curl_global_init failed\"");
        return false;
    }
    info = curl_version_info(CURLVERSION_NOW);
    if (!(info->features & CURL_VERSION_ASYNCHDNS)) {
        log_error(
            "event=http_client_unusable reason=\"libcurl resolves names synchronously\" version=%s",
            info->version);
        return false;
    }
    return true;
}

http_client *http_client_new(uv_loop_t *loop, int max_per_host)
{
    http_client *client;

    if (!curl_is_usable())
        return NULL;
    client = mem_new(http_client);
    client->loop = loop;
    uv_timer_init(loop, &client->timer);
    client->timer.data = client;
    client->multi = curl_multi_init();
    if (!client->multi)
        abort(); /* out of memory, like mem.h */
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)max_per_host);
    return client;
}

static void on_client_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void http_client_close(http_client *client)
{
    http_call *call, *next;

    if (!client)
        return;
    DL_FOREACH_SAFE (client->calls, call, next)
        http_client_cancel(call);
    curl_multi_cleanup(client->multi);
    uv_close((uv_handle_t *)&client->timer, on_client_closed);
}
