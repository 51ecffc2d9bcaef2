/* ws_conn.c - see ws_conn.h for the model. The ends and the races:
 *
 * We close first. From ws_close() on the connection is deaf, and nothing is queued behind the Close
 * frame; it leaves the hub at the end of the turn.
 *
 *     bridge                                        client
 *     ws_close(): Close queued, deaf                 ... still sends: not read
 *     flush: all that is queued, written
 *     leaves the hub, timer of CLOSE_SECONDS
 *                                                    Close
 *     ws_peer_closed(): the answer; the socket ends
 *     (or the timer: accepted_kill)                  (or nothing)
 *
 * The client closes first. What is queued is dropped: it takes no more.
 *
 *     bridge                                        client
 *                                                    Close
 *     ws_peer_closed(): leaves the hub, timer;
 *     libwebsockets answers and ends the socket
 *     (or the timer, when there is no room for that)
 *
 * Both at once. Each has sent a Close before the other's came: ws_peer_closed() finds `closing` set
 * and takes the client's for the answer. If ours was still queued, it is dropped with the queue,
 * and the end of the socket has to do.
 *
 * A write fails. libwebsockets may be in the middle of a callback for this socket, or we in a walk
 * over a channel, so it is only marked:
 *
 *     this turn                                     a later tick
 *     write_some(): false, `broken`
 *     leave_and_end(0): no member any more           on_end(): accepted_kill()
 *                                                      --> LWS_CALLBACK_CLOSED --> ws_gone(): freed
 *
 * To leave the hub may queue frames for others (a member has gone), also for connections that this
 * flush has done: they are marked again, and ws_flush() goes on until none is.
 *
 * A slow client. What its socket does not take stays with libwebsockets (one rest) and in the
 * queue; on_stalled() gives it up after max_queue_ms in which nothing went, or when the queue is
 * full:
 *
 *     publishing                                    the socket
 *     transport_send(): no room                      takes nothing
 *     tries to write what this turn has queued
 *     still none: queue dropped, Close 4200 queued   has it when it takes the rest, or never
 *
 * Not guaranteed: that a client has got what was written. It resumes by position.
 */
#include "server/ws_conn.h"

#include "base/clock.h"
#include "base/container_of.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/session.h"
#include "hub/vouch.h"
#include "protocol/pusher_frame.h"
#include "server/accepted.h"
#include "server/frame_queue.h"
#include "server/handshake.h"
#include "server/header.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#define JOIN_MAX 65536u  /* bytes of one joined write */
#define BURST_SECONDS 10 /* of messages that may come at once */
#define CLOSE_SECONDS 5  /* for the client to take the Close frame and to answer it */

struct ws_conn {
    /* First what every event needs: of thousands of connections none is in the processor's cache,
     * and each of its lines is waited for. */
    server *srv;
    struct lws *wsi;
    int fd;
    bool dirty;
    bool held_back; /* nothing has been written yet, see ws_hold_back() */
    bool tls;
    bool closing;
    bool broken; /* a write has failed */
    ws_conn *prev_dirty, *next_dirty;
    frame_queue queue;
    wheel_timer stalled;

    bool pinged;       /* and nothing has come since */
    bool answers_ping; /* has answered a WebSocket ping */
    hub_conn *hub;     /* NULL: refused, or no longer a member */
    ws_conn *prev, *next;
    buf message; /* the pieces of a message that comes in more than one */
    caller *who;
    uint64_t last_seen;
    wheel_timer liveness, slowed;
    char name[]; /* ws=17 peer=10.0.0.9 */
};

/* ---- writing ---- */

static void mark_dirty(ws_conn *c)
{
    if (c->dirty || !c->wsi)
        return;
    c->dirty = true;
    DL_PREPEND2(c->srv->dirty, c, prev_dirty, next_dirty);
}

static void unmark_dirty(ws_conn *c)
{
    if (c->dirty)
        DL_DELETE2(c->srv->dirty, c, prev_dirty, next_dirty);
    c->dirty = false;
}

/* libwebsockets holds nothing back, and without TLS it would do no more than this send(), in ten
 * times the instructions. It gets what the socket does not take, and finds the error if there is
 * one. */
static bool write_bytes(ws_conn *c, uint8_t *bytes, size_t len)
{
    ssize_t sent = -1;

    metric_add(c->srv->bytes_out, len);
    if (!c->tls)
        sent = send(c->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        sent = 0;
    return (size_t)sent == len ||
           lws_write(c->wsi, bytes + sent, len - (size_t)sent, LWS_WRITE_RAW) >= 0;
}

/* Writes the first frame, or as many as fit into one write. False when the socket is broken. */
static bool write_some(ws_conn *c)
{
    frame_queue *q = &c->queue;
    buf *join = &c->srv->join;
    bool ok;

    if (!frame_queue_is_long(q) || q->first->len >= JOIN_MAX) {
        ok = write_bytes(c, q->first->bytes, q->first->len);
        frame_queue_pop(q);
        return ok;
    }
    buf_clear(join);
    do {
        buf_append(join, q->first->bytes, q->first->len);
        frame_queue_pop(q);
    } while (q->first && join->len + q->first->len <= JOIN_MAX);
    return write_bytes(c, (uint8_t *)join->data, join->len);
}

static void on_stalled(wheel_timer *t)
{
    ws_conn *c = container_of(t, ws_conn, stalled);

    if (c->closing) /* counted, or closed for another reason; its Close frame stays queued */
        return;
    metric_add(c->srv->slow, 1);
    log_warning_as(c->name, "event=slow_consumer queued_bytes=%zu", c->queue.bytes);
    frame_queue_clear(&c->queue);
    ws_close(c, 4200, "The connection was too slow; reconnect");
}

/* False when the socket is broken. What cannot go now waits for the socket, and the socket has
 * max_queue_ms to take something: a client that reads steadily is not stalled, however long
 * its queue is never empty. */
static bool write_queue(ws_conn *c)
{
    size_t before = c->queue.bytes;

    while (c->queue.first && !c->broken && !lws_partial_buffered(c->wsi))
        c->broken = !write_some(c);
    if (c->broken)
        return false;
    if (!c->queue.first) {
        frame_queue_clear(&c->queue);
        wheel_stop(&c->stalled);
        return true;
    }
    lws_callback_on_writable(c->wsi);
    if (c->queue.bytes < before || !wheel_running(&c->stalled))
        wheel_start(hub_wheel(c->srv->opt.hub), &c->stalled,
                    clock_monotonic_ms() + c->srv->opt.max_queue_ms, on_stalled);
    return true;
}

static void leave_hub(ws_conn *c)
{
    hub_conn *member = c->hub;

    c->hub = NULL;
    wheel_stop(&c->liveness);
    if (member)
        hub_disconnect(member);
}

void ws_hold_back(struct lws *wsi, bool hold)
{
    int on = hold;

    setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

static void on_end(wheel_timer *t)
{
    accepted_kill(container_of(t, ws_conn, liveness)->wsi);
}

/* The socket goes by itself, or in so many seconds: not sooner than in the next tick, for we may be
 * within one of its callbacks. libwebsockets' own timers may be late when it has nothing else to
 * do. */
static void leave_and_end(ws_conn *c, unsigned seconds)
{
    leave_hub(c);
    wheel_start(hub_wheel(c->srv->opt.hub), &c->liveness, clock_monotonic_ms() + seconds * 1000ull,
                on_end);
}

/* At the end of a turn. */
static void flush_one(ws_conn *c)
{
    bool ok = write_queue(c);

    if (c->held_back)
        ws_hold_back(c->wsi, false);
    c->held_back = false;
    if (wheel_running(&c->slowed))
        lws_rx_flow_control(c->wsi, 0);
    if (!ok)
        leave_and_end(c, 0);
    else if (c->closing)
        leave_and_end(c, CLOSE_SECONDS);
}

/* Leaving the hub may queue frames for others, so the list is taken until it stays empty. */
void ws_flush(server *srv)
{
    while (srv->dirty) {
        ws_conn *c = srv->dirty;

        unmark_dirty(c);
        if (c->wsi)
            flush_one(c);
    }
}

bool ws_writable(ws_conn *c)
{
    bool ok = write_queue(c);

    if (!ok)
        leave_hub(c);
    return ok;
}

/* ---- the transport of the hub ---- */

/* Whether there is room for so much more, if need be after writing what this turn has brought so
 * far. */
static bool has_room(ws_conn *c, size_t more)
{
    size_t max = c->srv->opt.max_queue;

    if (c->queue.bytes + more > max)
        write_queue(c);
    return c->queue.bytes + more <= max || !c->queue.first;
}

static void transport_send(void *peer, frame *f)
{
    ws_conn *c = peer;

    if (c->closing || !c->wsi)
        return;
    if (has_room(c, f->len)) {
        frame_queue_push(&c->queue, f);
        mark_dirty(c);
    } else {
        on_stalled(&c->stalled);
    }
}

static void transport_close(void *peer, int code, const char *reason)
{
    ws_close(peer, code, reason);
}

static size_t transport_backlog(const void *peer)
{
    const ws_conn *c = peer;

    return c->queue.bytes;
}

void ws_install_transport(server *srv)
{
    hub_set_transport(srv->opt.hub, &(hub_transport){.send = transport_send,
                                                     .close = transport_close,
                                                     .backlog = transport_backlog});
}

/* ---- liveness ---- */

static void ping(ws_conn *c)
{
    frame *f = frame_new_ping();

    c->pinged = true;
    transport_send(c, f);
    frame_unref(f);
    if (!c->answers_ping)
        hub_conn_ping(c->hub);
}

static void on_liveness(wheel_timer *t)
{
    ws_conn *c = container_of(t, ws_conn, liveness);
    uint64_t now = clock_monotonic_ms();
    uint64_t silence_ends = c->last_seen + c->srv->opt.activity_timeout * 1000ull;
    uint64_t patience_ends = silence_ends + c->srv->opt.pong_ms;

    if (now < silence_ends) {
        wheel_start(hub_wheel(c->srv->opt.hub), t, silence_ends, on_liveness);
    } else if (c->pinged && now >= patience_ends) {
        hub_conn_fail(c->hub, 4201, "Pong reply not received in time");
    } else {
        if (!c->pinged)
            ping(c);
        wheel_start(hub_wheel(c->srv->opt.hub), t,
                    patience_ends > now ? patience_ends : now + c->srv->opt.pong_ms, on_liveness);
    }
}

static void alive(ws_conn *c)
{
    c->last_seen = clock_monotonic_ms();
    c->pinged = false;
}

/* ---- birth and end ---- */

static ws_conn *conn_new(server *srv, struct lws *wsi)
{
    char peer[HEADER_PEER_SIZE], name[HEADER_PEER_SIZE + 32];
    size_t len;
    ws_conn *c;

    header_client(srv->opt.trust_forwarded, wsi, peer);
    len = (size_t)snprintf(name, sizeof(name), "ws=%llu peer=%s",
                           (unsigned long long)++srv->next_conn_id, peer);
    c = mem_alloc(sizeof(*c) + len + 1);
    memcpy(c->name, name, len + 1);
    c->srv = srv;
    c->wsi = wsi;
    c->fd = lws_get_socket_fd(wsi);
    c->held_back = true;
    c->tls = lws_is_ssl(wsi);
    c->last_seen = clock_monotonic_ms();
    c->next = srv->conns;
    if (c->next)
        c->next->prev = c;
    srv->conns = c;
    srv->n_conns++;
    accepted_set_owner(wsi, c);
    accepted_busy(wsi);
    return c;
}

static void refuse(ws_conn *c, int code, const char *why)
{
    buf text = {0};
    frame *f;

    log_info_as(c->name, "event=ws_refused code=%d reason=%s", code, LOG_Q(why));
    pusher_frame_error(&text, code, why, NULL);
    f = frame_new(text.data, text.len);
    frame_queue_push(&c->queue, f);
    frame_unref(f);
    buf_free(&text);
    ws_close(c, code, why);
}

/* Whether the server has room for it, and for one more of its address. */
static bool has_seat(const ws_conn *c, handshake *hs)
{
    char client[HEADER_PEER_SIZE];

    hs->code = 4100;
    hs->why = "The server has no room now; come back in a second or more";
    if (accepted_is_surplus(c->wsi))
        return false;
    if (!c->srv->opt.trust_forwarded)
        return true;
    header_client(true, c->wsi, client);
    hs->why = "Your address has as many connections as it may; come back in a second or more";
    return accepted_count_for(c->wsi, client);
}

void ws_open(server *srv, struct lws *wsi)
{
    ws_conn *c = conn_new(srv, wsi);
    handshake hs;

    if (!has_seat(c, &hs) || !handshake_read(srv, wsi, &hs)) {
        refuse(c, hs.code, hs.why);
        return;
    }
    c->who = hs.who;
    c->hub = hub_connect(hs.app, c, c->who, c->name, &hs.code, &hs.why);
    if (!c->hub) {
        refuse(c, hs.code, hs.why);
        return;
    }
    wheel_start(hub_wheel(srv->opt.hub), &c->liveness,
                c->last_seen + srv->opt.activity_timeout * 1000ull, on_liveness);
    if (c->who)
        hub_vouch(srv->opt.hub, hub_conn_socket_id(c->hub), c->who, hs.expires_at);
    log_debug_as(c->name, "event=ws_open app=%s socket_id=%s client=%s%s",
                 hub_app_get_options(hs.app)->id, hub_conn_socket_id(c->hub), LOG_Q(hs.client),
                 c->who ? " identity=token" : "");
}

static void on_slowed(wheel_timer *t)
{
    lws_rx_flow_control(container_of(t, ws_conn, slowed)->wsi, 1);
}

/* Who sends too many messages, by this connection or another of his, is read from no more until it
 * is time: what he sends waits with him, and nothing of it is lost. From the end of the turn on:
 * with TLS, libwebsockets (4.1) never leaves a record that it may read no further. */
static void slow_down(ws_conn *c)
{
    const server *srv = c->srv;
    uint64_t most = srv->opt.max_identity_messages;
    uint64_t wait_us = limit_charge(srv->too_many_messages, rate_of(most, 1, most * BURST_SECONDS),
                                    hub_conn_identity(c->hub));

    if (wait_us == 0)
        return;
    wheel_start(hub_wheel(srv->opt.hub), &c->slowed, clock_monotonic_ms() + wait_us / 1000,
                on_slowed);
    mark_dirty(c);
}

/* One that nothing was asked for costs as much as a message. */
void ws_pong(ws_conn *c)
{
    if (!c->pinged && !c->closing && c->hub && c->srv->opt.max_identity_messages)
        slow_down(c);
    alive(c);
    c->answers_ping = true;
}

void ws_receive(ws_conn *c, struct lws *wsi, const char *data, size_t len)
{
    bool whole = lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi);

    alive(c);
    if (c->closing || !c->hub)
        return;
    if (c->srv->opt.max_identity_messages && !lws_remaining_packet_payload(wsi))
        slow_down(c);
    if (lws_frame_is_binary(wsi)) {
        ws_close(c, 1003, "Binary frames are not supported");
    } else if (c->message.len + len > c->srv->opt.max_frame) {
        buf_free(&c->message);
        ws_close(c, 1009, "The message is larger than this server allows");
    } else if (whole && !c->message.len) {
        hub_receive(c->hub, data, len);
    } else {
        buf_append(&c->message, data, len);
        if (whole) {
            hub_receive(c->hub, c->message.data, c->message.len);
            buf_free(&c->message);
        }
    }
}

/*
 * The Close frame is a frame of ours like any other, behind what is queued, and the client's answer
 * to it ends the connection. libwebsockets' own way, to return -1 after lws_close_reason(), drops
 * the frame in builds without NDEBUG, as Debian's is: from the writeable callback it closes a
 * second time "to test it", and by then has sent nothing.
 */
void ws_close(ws_conn *c, int code, const char *reason)
{
    frame *f;

    if (c->closing || !c->wsi)
        return;
    log_info_as(c->name, "event=ws_close code=%d reason=%s", code, LOG_Q(reason));
    f = frame_new_close((unsigned)code, reason);
    frame_queue_push(&c->queue, f);
    frame_unref(f);
    c->closing = true;
    mark_dirty(c);
}

bool ws_peer_closed(ws_conn *c)
{
    bool is_answer = c->closing;

    c->closing = true;
    frame_queue_clear(&c->queue);
    leave_and_end(c, CLOSE_SECONDS); /* our answer may never find room */
    return !is_answer;
}

void ws_gone(ws_conn *c)
{
    server *srv = c->srv;

    c->wsi = NULL;
    leave_hub(c);
    wheel_stop(&c->stalled);
    wheel_stop(&c->slowed);
    unmark_dirty(c);
    if (c->prev)
        c->prev->next = c->next;
    else
        srv->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    srv->n_conns--;
    frame_queue_free(&c->queue);
    buf_free(&c->message);
    if (c->who)
        srv->opt.release(srv->opt.identify_arg, c->who);
    log_debug_as(c->name, "event=ws_gone");
    free(c);
}

ws_conn *ws_next(const ws_conn *c)
{
    return c->next;
}

bool ws_is_closing(const ws_conn *c)
{
    return c->closing;
}
