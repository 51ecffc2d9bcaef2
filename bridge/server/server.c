/*
 * server.c - libwebsockets as a guest on the loop.
 *
 * What was measured decides its settings: no fd_limit_per_thread (it would walk a table per
 * connection), no retry policy (its ping timers are one sorted list; ours are a wheel), a receive
 * buffer of 128 bytes per connection (client messages are small; longer ones come in pieces), and a
 * large packet size for sending, so that one joined write is one system call.
 *
 * A turn of the loop:
 *
 *     timers --> before_io: flush --> poll: sockets, the database --> after_io: flush
 *
 * so what is published anywhere in a turn is written in the same turn, and joined.
 */
#include "server/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "hub/session.h"
#include "server/accepted.h"
#include "server/context.h"
#include "server/http_request.h"
#include "server/listener.h"
#include "server/tls.h"
#include "server/ws_conn.h"

#include <stdlib.h>
#include <string.h>

#define RX_BUFFER 128
#define TX_PACKET (1u << 20)
#define HEADER_BYTES 16384
#define SLACK_SECONDS 5 /* by which libwebsockets' own limits of time are behind ours */

static int on_websocket(struct lws *wsi, enum lws_callback_reasons reason, ws_conn *c,
                        const char *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        ws_open(lws_context_user(lws_get_context(wsi)), wsi);
        break;
    case LWS_CALLBACK_RECEIVE:
        ws_receive(c, wsi, in, len);
        break;
    case LWS_CALLBACK_RECEIVE_PONG:
        ws_pong(c);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return ws_writable(c) ? 0 : -1;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return ws_peer_closed(c) ? 0 : -1;
    case LWS_CALLBACK_CLOSED:
        accepted_set_owner(wsi, NULL);
        ws_gone(c);
        break;
    default:
        break;
    }
    return 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, http_request *req,
                   const void *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return http_begin(lws_context_user(lws_get_context(wsi)), wsi);
    case LWS_CALLBACK_HTTP_BODY:
        return req ? http_body_piece(req, in, len) : 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return req ? http_body_end(req) : 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return req ? http_writable(req) : 0;
    case LWS_CALLBACK_CLOSED_HTTP:
        if (req) {
            accepted_set_owner(wsi, NULL);
            http_gone(req);
        }
        break;
    default:
        break;
    }
    return 0;
}

/* libwebsockets would also go over to HTTP/2 (h2c), of which nothing here knows. Some clients offer
 * that by themselves: they are served as if they had not. Of an upgrade that it has refused itself,
 * the headers are gone by now. */
static int on_upgrade(struct lws *wsi, char *wanted)
{
    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) <= 0)
        return -1;
    if (strcasecmp(wanted, "websocket") != 0)
        *wanted = '\0';
    return 0;
}

/* libwebsockets has made a port's context, with its certificate. */
static int on_tls_context(server *srv, SSL_CTX *ctx)
{
    srv->tls = tls_harden(ctx) ? ctx : NULL;
    return 0;
}

/* A socket's owner is its request while it speaks HTTP (or NULL between two), then its connection.
 */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return on_tls_context(lws_context_user(lws_get_context(wsi)), user);
    case LWS_CALLBACK_RAW_ADOPT: /* CONNECT makes it a tunnel */
        return -1;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(wsi, in);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        ws_hold_back(wsi, true);
        return 0;
    case LWS_CALLBACK_ESTABLISHED:
        return on_websocket(wsi, reason, NULL, in, len);
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED: {
        ws_conn *c = accepted_owner(wsi);

        return c ? on_websocket(wsi, reason, c, in, len) : 0;
    }
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
    case LWS_CALLBACK_CLOSED_HTTP:
        return on_http(wsi, reason, accepted_owner(wsi), in, len);
    case LWS_CALLBACK_WSI_DESTROY:
        accepted_gone(wsi);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "pusher",
     .callback = on_event,
     .rx_buffer_size = RX_BUFFER,
     .tx_packet_size = TX_PACKET},
    {.name = NULL},
};

/* No pings and no validity checks by libwebsockets. */
static const lws_retry_bo_t no_policy;

static void lws_log_line(int level, const char *line)
{
    size_t len = strcspn(line, "\n");
    char *text = mem_strndup(line, len);

    log_write(level & LLL_ERR ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, NULL,
              "event=libwebsockets text=%s", LOG_Q(text));
    free(text);
}

/* What clients send makes it talk: no more than a line a second, on average. */
static void lws_log(int level, const char *line)
{
    static uint64_t lines;
    rate most = rate_of(60, 60, 60);

    if (rate_take(most, &lines, clock_monotonic_us()) == 0)
        lws_log_line(level, line);
}

static void on_tick(uv_timer_t *t)
{
    server *srv = t->data;

    wheel_advance(hub_wheel(srv->opt.hub), clock_monotonic_ms());
}

static void on_after_io(uv_check_t *handle)
{
    ws_flush(handle->data);
}

static void on_before_io(uv_prepare_t *handle)
{
    ws_flush(handle->data);
}

static void start_handles(server *srv)
{
    uv_loop_t *loop = srv->opt.loop;

    uv_check_init(loop, &srv->after_io);
    uv_prepare_init(loop, &srv->before_io);
    uv_timer_init(loop, &srv->tick);
    srv->after_io.data = srv->before_io.data = srv->tick.data = srv;
    uv_check_start(&srv->after_io, on_after_io);
    uv_prepare_start(&srv->before_io, on_before_io);
    uv_timer_start(&srv->tick, on_tick, WHEEL_TICK_MS, WHEEL_TICK_MS);
}

/* libwebsockets' limit for ours, in its whole seconds. */
static unsigned behind(unsigned ms)
{
    return ms / 1000 + SLACK_SECONDS;
}

static struct lws_context *context_new(server *srv)
{
    void *loops[1] = {srv->opt.loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .foreign_loops = loops,
        .user = srv,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .max_http_header_data = HEADER_BYTES,
        .timeout_secs = behind(srv->opt.request_ms),
        .retry_and_idle_policy = &no_policy,
    };

    lws_set_log_level(LLL_ERR | LLL_WARN, lws_log);
    return lws_create_context(&info);
}

static double read_body_bytes(void *arg)
{
    const server *srv = arg;

    return (double)srv->body_bytes;
}

server *server_new(const server_options *options)
{
    server *srv = mem_new(server);

    srv->opt = *options;
    accepted_start(srv);
    srv->lws = context_new(srv);
    if (!srv->lws) {
        log_error("event=server_failed error=\"libwebsockets cannot start; is "
                  "libwebsockets-evlib-uv installed?\"");
        accepted_stop(srv);
        free(srv);
        return NULL;
    }
    hub_set_timing(srv->opt.hub, options->guard_wait_ms, options->activity_timeout);
    hub_set_identity_max(srv->opt.hub, options->max_identity_sockets);
    ws_install_transport(srv);
    srv->too_many_messages = limit_get("identity_messages");
    srv->too_many_bodies = limit_get("bodies");
    metric_gauge_read("unichat_body_bytes", NULL, "Bodies of HTTP requests in memory.",
                      read_body_bytes, srv);
    srv->bytes_out =
        metric_counter("unichat_bytes_out_total", NULL, "Bytes written to WebSocket connections.");
    srv->slow = metric_counter("unichat_slow_consumers_total", NULL,
                               "Connections that were closed because they did not read.");
    start_handles(srv);
    return srv;
}

int server_listen(server *srv, const char *host, int port, const char *tls_cert,
                  const char *tls_key)
{
    char name[32];
    struct lws_context_creation_info info = {
        .vhost_name = name,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT, /* per host too, or TLS is silently off */
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .keepalive_timeout = (int)behind(srv->opt.keepalive_ms),
        .alpn = "http/1.1",
        .ssl_cert_filepath = tls_cert,
        .ssl_private_key_filepath = tls_key,
        .retry_and_idle_policy = &no_policy,
    };
    struct lws_vhost *vhost;

    snprintf(name, sizeof(name), "unichat%u", srv->n_vhosts++);
    vhost = lws_create_vhost(srv->lws, &info);
    if (!vhost || (tls_cert && !srv->tls)) {
        log_error("event=listen_failed cert=%s error=\"the certificate or its key cannot be used\"",
                  tls_cert ? tls_cert : "none");
        return -1;
    }
    port = listener_open(srv, host, port, vhost);
    if (port > 0)
        log_info("event=listening host=%s port=%d tls=%s", host && *host ? host : "*", port,
                 tls_cert ? "on" : "off");
    if (port > 0 && tls_cert)
        tls_watch(srv->tls);
    return port;
}

bool server_reload_tls(server *srv, const char *tls_cert, const char *tls_key)
{
    return !srv->tls || tls_reload(srv->tls, tls_cert, tls_key);
}

/* ---- drain ---- */

static void check_drained(server *srv)
{
    void (*done)(void *arg) = srv->drained;

    if (!done || ((srv->n_conns || srv->requests) && clock_monotonic_ms() < srv->drain_end))
        return;
    srv->drained = NULL;
    done(srv->drained_arg);
}

/* Each tick closes its share of what is left, chosen at random, so that the herd comes back spread
 * over time. */
static void on_drain_tick(uv_timer_t *t)
{
    server *srv = t->data;
    uint64_t now = clock_monotonic_ms();
    uint64_t ticks = now < srv->drain_end ? (srv->drain_end - now) / WHEEL_TICK_MS : 0;
    unsigned open = 0, close;

    on_tick(t);
    for (ws_conn *c = srv->conns; c; c = ws_next(c))
        open += !ws_is_closing(c);
    close = ticks > 4 ? (unsigned)(open / (ticks - 3)) + 1 : open;
    for (ws_conn *c = srv->conns; c && close; c = ws_next(c))
        if (!ws_is_closing(c) && (ticks <= 4 || rand_below(2))) {
            ws_close(c, 4200, "The server is restarting; reconnect");
            close--;
        }
    check_drained(srv);
}

void server_drain(server *srv, void (*done)(void *arg), void *arg)
{
    srv->draining = true;
    srv->drained = done;
    srv->drained_arg = arg;
    srv->drain_end = clock_monotonic_ms() + srv->opt.drain_ms + 1000;
    listener_close_all(srv);
    log_info("event=draining connections=%u ms=%u", srv->n_conns, srv->opt.drain_ms);
    uv_timer_start(&srv->tick, on_drain_tick, 0, WHEEL_TICK_MS);
}

/* ---- stop ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    server *srv = handle->data;

    if (--srv->open_handles == 0)
        srv->stopped(srv->stopped_arg);
}

/* libwebsockets closes its handles asynchronously: a few turns later they are gone. */
static void on_last_turns(uv_timer_t *t)
{
    server *srv = t->data;

    srv->open_handles = 3;
    uv_close((uv_handle_t *)&srv->after_io, on_handle_closed);
    uv_close((uv_handle_t *)&srv->before_io, on_handle_closed);
    uv_close((uv_handle_t *)&srv->tick, on_handle_closed);
}

void server_stop(server *srv, void (*done)(void *arg), void *arg)
{
    srv->draining = true;
    srv->stopped = done;
    srv->stopped_arg = arg;
    listener_close_all(srv);
    lws_context_destroy(srv->lws);
    uv_timer_start(&srv->tick, on_last_turns, 20, 0);
}

void server_free(server *srv)
{
    lws_context_destroy(srv->lws);
    http_routes_free(srv);
    http_mounts_free(srv);
    buf_free(&srv->join);
    accepted_stop(srv);
    free(srv);
}
