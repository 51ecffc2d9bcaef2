/* session.c - see session.h. */
#include "hub/session.h"

#include "base/clock.h"
#include "base/container_of.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "hub/client_event.h"
#include "hub/conn.h"
#include "hub/subscribe.h"
#include "hub/user.h"
#include "hub/vouch.h"
#include "identity/caller.h"
#include "protocol/pusher_frame.h"
#include "protocol/pusher_message.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *socket_id)
{
    return map_hash(socket_id, strlen(socket_id));
}

static bool has_socket_id(const void *item, const void *socket_id)
{
    return strcmp(((const hub_conn *)item)->socket_id, socket_id) == 0;
}

hub_conn *conn_find(const hub *h, const char *socket_id)
{
    return map_find(&h->conns, hash_of(socket_id), has_socket_id, socket_id);
}

void conn_send_scratch(hub_conn *conn)
{
    hub *h = conn->app->hub;
    frame *f = frame_new(h->scratch.data, h->scratch.len);

    buf_clear(&h->scratch);
    if (!conn->closing) {
        h->transport.send(conn->peer, f);
        metric_add(h->counts.frames_out, 1);
    }
    frame_unref(f);
}

void conn_error(hub_conn *conn, int code, const char *on, const char *fmt, ...)
{
    va_list args;
    char *message = NULL;

    va_start(args, fmt);
    if (vasprintf(&message, fmt, args) < 0)
        message = NULL;
    va_end(args);
    metric_add(conn->app->hub->counts.errors, 1);
    log_debug_as(conn->log_name, "event=client_error code=%d reason=%s", code,
                 LOG_Q(message ? message : ""));
    pusher_frame_error(&conn->app->hub->scratch, code, message ? message : "error", on);
    conn_send_scratch(conn);
    free(message);
}

/* From now on it neither speaks nor hears. */
static void set_closing(hub_conn *conn)
{
    conn->closing = true;
    for (subscription *s = conn->subs; s; s = s->next)
        s->peer = NULL;
}

void hub_conn_fail(hub_conn *conn, int code, const char *message)
{
    if (conn->closing)
        return;
    conn_error(conn, code, NULL, "%s", message);
    set_closing(conn);
    conn->app->hub->transport.close(conn->peer, code, message);
}

void conn_set_authorized(hub_conn *conn)
{
    conn->authorized = true;
    wheel_stop(&conn->authorize_timer);
}

static void authorize_too_late(wheel_timer *t)
{
    hub_conn *conn = container_of(t, hub_conn, authorize_timer);

    hub_conn_fail(conn, 4009, "Connection not authorized within timeout");
}

/* Two numbers below 2^31 from the kernel: unguessable enough, and unique in the table. */
static void socket_id_make(hub *h, char out[SOCKET_ID_SIZE])
{
    do
        snprintf(out, SOCKET_ID_SIZE, "%u.%u", (unsigned)rand_below(1u << 31),
                 (unsigned)rand_below(1u << 31));
    while (conn_find(h, out));
}

static void greet(hub_conn *conn)
{
    hub *h = conn->app->hub;

    pusher_frame_established(&h->scratch, conn->socket_id, h->activity_timeout);
    conn_send_scratch(conn);
}

bool conn_count_for(hub_conn *conn, const char *identity)
{
    hub *h = conn->app->hub;

    if (conn->identity)
        return true;
    conn->identity = tally_enter(h->identities, identity, h->identity_max);
    if (!conn->identity)
        limit_tell(h->by_identity, identity);
    return conn->identity != NULL;
}

const char *hub_conn_identity(const hub_conn *conn)
{
    return conn->identity ? tally_key(conn->identity) : conn->log_name;
}

hub_conn *hub_connect(hub_app *app, void *peer, const caller *who, const char *log_name, int *code,
                      const char **why)
{
    hub *h = app->hub;
    char identity[LIMIT_KEY_SIZE];
    hub_conn *conn;

    if (app->options.max_connections && app->n_conns >= app->options.max_connections) {
        *code = 4004;
        *why = "The app has as many connections as it may";
        return NULL;
    }
    conn = mem_new(hub_conn);
    conn->app = app;
    conn->peer = peer;
    conn->who = who;
    conn->log_name = log_name;
    if (who)
        caller_key(who, identity, sizeof(identity));
    if (who && !conn_count_for(conn, identity)) {
        free(conn);
        *code = CODE_IDENTITY_FULL;
        *why = IDENTITY_FULL;
        return NULL;
    }
    socket_id_make(h, conn->socket_id);
    map_add(&h->conns, hash_of(conn->socket_id), conn);
    app->n_conns++;
    h->stats.connections++;
    metric_add(h->counts.accepted, 1);
    greet(conn);
    if (app->options.require_authorization)
        wheel_start(h->wheel, &conn->authorize_timer,
                    clock_monotonic_ms() + app->options.authorization_ms, authorize_too_late);
    return conn;
}

static void answer_ping(hub_conn *conn)
{
    pusher_frame_event(&conn->app->hub->scratch, NULL, "pusher:pong", "{}", 2);
    conn_send_scratch(conn);
}

void hub_conn_ping(hub_conn *conn)
{
    pusher_frame_event(&conn->app->hub->scratch, NULL, "pusher:ping", "{}", 2);
    conn_send_scratch(conn);
}

static bool follower_takes(hub_conn *conn, const pusher_message *m)
{
    const hub_follower *follower = &conn->app->follower;

    if (!follower->client_event ||
        strncmp(m->event, follower->prefix, strlen(follower->prefix)) != 0)
        return false;
    follower->client_event(follower->arg, conn, m->event, json_object_get(m->root, "data"));
    return true;
}

static void dispatch(hub_conn *conn, const pusher_message *m)
{
    switch (m->kind) {
    case PUSHER_PING:
        answer_ping(conn);
        break;
    case PUSHER_PONG:
        break;
    case PUSHER_SUBSCRIBE:
        subscribe(conn, m);
        break;
    case PUSHER_UNSUBSCRIBE:
        unsubscribe(conn, m->channel);
        break;
    case PUSHER_SIGNIN:
        user_signin(conn, m);
        break;
    case PUSHER_CLIENT_EVENT:
        client_event(conn, m);
        break;
    case PUSHER_OTHER:
        if (follower_takes(conn, m))
            break;
        conn_error(conn, 0, NULL, "Unsupported event received on socket: %.100s", m->event);
        break;
    }
}

void hub_receive(hub_conn *conn, const char *text, size_t len)
{
    pusher_message m;
    const char *why;

    if (conn->closing)
        return;
    metric_add(conn->app->hub->counts.frames_in, 1);
    if (!pusher_message_parse(&m, text, len, &why)) {
        conn_error(conn, 0, NULL, "%s", why);
        return;
    }
    dispatch(conn, &m);
    pusher_message_free(&m);
}

void hub_disconnect(hub_conn *conn)
{
    hub *h = conn->app->hub;

    set_closing(conn);
    subscribe_drop_held(conn);
    while (conn->subs)
        subscription_end(conn->subs);
    if (conn->app->follower.disconnected)
        conn->app->follower.disconnected(conn->app->follower.arg, conn);
    user_signout(conn);
    vouches_drop(conn);
    wheel_stop(&conn->authorize_timer);
    tally_leave(h->identities, conn->identity);
    map_remove(&h->conns, hash_of(conn->socket_id), conn);
    conn->app->n_conns--;
    h->stats.connections--;
    free(conn);
}
