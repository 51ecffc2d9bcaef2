/*
 * subscribe.c - who may join which channel.
 *
 * A subscription passes, in this order: the name's rules, "not twice", the connection's limit of
 * channels, then by the kind of channel its proof: nothing (public), the guard (guarded public
 * names), the app's signature (private, presence), the sign-in (a user's own channel). Each refusal
 * says why in pusher:subscription_error, and the connection goes on.
 *
 * A guarded name on a connection that is about to sign in waits:
 *
 *     client                        hub
 *     subscribe staff-portal  --->  guard: WAIT, held
 *     signin                  --->  good: guard asked again, ALLOW --> subscription_succeeded
 *                                   or guard_wait_ms are over       --> subscription_error
 */
#include "hub/subscribe.h"

#include "base/clock.h"
#include "base/container_of.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/presence.h"
#include "hub/user.h"
#include "protocol/pusher_frame.h"
#include "protocol/pusher_sign.h"

#include <stdlib.h>
#include <string.h>

#define OF_ID_MAX 512u /* bytes of a name that is made from an id: 128, each as three characters */
#define HELD_MAX 100u  /* subscriptions of one connection that wait for its sign-in */

/* The log gets `reason`, because what a client is told may have its own words in it. */
static void refuse_and_log(hub_conn *conn, const char *name, const char *type, int status,
                           const char *why, const char *reason)
{
    hub *h = conn->app->hub;

    metric_add(h->counts.refused, 1);
    log_info_as(conn->log_name, "event=subscribe_refused channel=%s type=%s reason=%s", LOG_Q(name),
                type, LOG_Q(reason));
    pusher_frame_subscription_error(&h->scratch, name, type, why, status);
    conn_send_scratch(conn);
}

static void refuse(hub_conn *conn, const char *name, const char *type, int status, const char *why)
{
    refuse_and_log(conn, name, type, status, why, why);
}

/* The client is told the whole text that should have been signed. The log knows of channel_data,
 * which has names and whatever else the app puts there, how long it is. */
static void refuse_wrong_signature(hub_conn *conn, const char *name, const char *channel_data)
{
    static const char expected[] = "Invalid signature: Expected HMAC SHA256 hex digest of";
    const char *data = channel_data ? channel_data : "";
    const char *colon = channel_data ? ":" : "";
    char *why = mem_printf("%s %s:%s%s%s", expected, conn->socket_id, name, colon, data);
    char *reason = mem_printf("%s %s:%s%s(channel_data, %zu bytes)", expected, conn->socket_id,
                              name, colon, strlen(data));

    refuse_and_log(conn, name, "AuthError", 401, why, reason);
    free(why);
    free(reason);
}

static void refuse_signature(hub_conn *conn, const char *name, const pusher_message *m,
                             pusher_auth problem)
{
    if (problem == PUSHER_AUTH_MISSING) {
        char *why = mem_printf("Auth info required to subscribe to %s", name);

        refuse(conn, name, "AuthError", 401, why);
        free(why);
    } else if (problem == PUSHER_AUTH_WRONG_KEY) {
        refuse(conn, name, "AuthError", 401, "Invalid key in subscription auth data");
    } else {
        refuse_wrong_signature(conn, name, m->channel_data);
    }
}

static void send_succeeded(hub_conn *conn, const channel *c)
{
    const hub_follower *follower = &conn->app->follower;
    const char *greeting =
        follower->greeting ? follower->greeting(follower->arg, conn, c->name) : NULL;
    buf data = {0};

    if (c->type.kind == CHANNEL_PRESENCE)
        presence_roster(c, &data);
    else
        buf_puts(&data, greeting ? greeting : "{}");
    pusher_frame_event(&conn->app->hub->scratch, c->name, "pusher_internal:subscription_succeeded",
                       data.data, data.len);
    conn_send_scratch(conn);
    buf_free(&data);
}

/* Everything is proven: `m` is NULL but for presence channels. */
static void admit(hub_conn *conn, channel *c, member *m)
{
    subscription *sub = channel_add(c, conn);

    if (m)
        presence_join(sub, m);
    send_succeeded(conn, c);
    if (conn->app->follower.subscribed)
        conn->app->follower.subscribed(conn->app->follower.arg, conn, c->name);
    if (c->type.cache)
        channel_cache_send(c, conn);
    if (channel_kind_needs_auth(c->type.kind))
        conn_set_authorized(conn);
    channel_count_changed(c);
    log_debug_as(conn->log_name, "event=subscribed channel=%s", c->name);
}

static void hold(hub_conn *conn, const char *name);

static void subscribe_public(hub_conn *conn, const char *name)
{
    const hub_guard *guard = &conn->app->guard;
    const char *why = "Forbidden";
    hub_verdict verdict = HUB_ALLOW;

    if (app_is_guarded(conn->app, name))
        verdict = guard->may_listen(guard->arg, conn, name, &why);
    if (verdict == HUB_WAIT)
        hold(conn, name);
    else if (verdict == HUB_DENY)
        refuse(conn, name, "AuthError", 401, why);
    else
        admit(conn, channel_get(conn->app, name), NULL);
}

static void subscribe_presence(hub_conn *conn, const char *name, const char *channel_data)
{
    channel *c = channel_get(conn->app, name);
    const char *type, *why;
    int status;
    member *m = presence_member_parse(conn, c, channel_data, &type, &why, &status);

    if (m) {
        admit(conn, c, m);
        return;
    }
    refuse(conn, name, type, status, why);
    channel_release(c);
}

static void subscribe_signed(hub_conn *conn, const pusher_message *m, channel_kind kind)
{
    const hub_app_options *o = &conn->app->options;
    pusher_auth auth = pusher_check_channel(m->auth, o->key, o->secret, conn->socket_id, m->channel,
                                            m->channel_data);

    if (auth != PUSHER_AUTH_OK)
        refuse_signature(conn, m->channel, m, auth);
    else if (kind == CHANNEL_PRESENCE)
        subscribe_presence(conn, m->channel, m->channel_data);
    else
        admit(conn, channel_get(conn->app, m->channel), NULL);
}

static void subscribe_user(hub_conn *conn, const char *name)
{
    const char *id = hub_conn_user_id(conn);

    if (id && strcmp(id, channel_name_user(name)) == 0)
        admit(conn, channel_get(conn->app, name), NULL);
    else
        refuse(conn, name, "AuthError", 401,
               "This channel is for connections signed in as its user");
}

/* A name that is made from somebody's id may be longer than others. */
static size_t longest_name(const hub_conn *conn, const char *name)
{
    size_t longest = conn->app->options.max_channel_name;

    if (longest < OF_ID_MAX &&
        (app_is_reserved(conn->app, name) || channel_name_type(name).kind == CHANNEL_USER))
        return OF_ID_MAX;
    return longest;
}

/* The rules that are the same for every kind; says what is wrong. */
static bool may_try(hub_conn *conn, const char *name)
{
    const hub_app_options *o = &conn->app->options;
    size_t longest = longest_name(conn, name);
    const channel *c = strlen(name) > longest ? NULL : channel_find(conn->app, name);

    if (strlen(name) > longest)
        refuse(conn, name, "LimitReached", 4009, "The channel name is longer than this app allows");
    else if (!channel_name_valid(name, strlen(name), longest))
        refuse(conn, name, "InvalidChannel", 4009,
               "A channel name has letters, digits and _-=@,.; only");
    else if (c && channel_subscription(c, conn))
        conn_error(conn, 0, name, "Existing subscription to channel %s", name);
    else if (o->max_channels_per_conn && conn->n_subs >= o->max_channels_per_conn)
        refuse(conn, name, "LimitReached", 4100,
               "The connection has as many channels as this app allows");
    else
        return true;
    return false;
}

void subscribe(hub_conn *conn, const pusher_message *m)
{
    channel_kind kind;

    if (!m->channel) {
        conn_error(conn, 0, NULL, "pusher:subscribe needs data with a channel");
        return;
    }
    if (!may_try(conn, m->channel))
        return;
    kind = channel_name_type(m->channel).kind;
    if (kind == CHANNEL_PUBLIC)
        subscribe_public(conn, m->channel);
    else if (kind == CHANNEL_USER)
        subscribe_user(conn, m->channel);
    else
        subscribe_signed(conn, m, kind);
}

void subscription_end(subscription *sub)
{
    channel *c = sub->channel;
    member *gone = presence_leave(sub);

    if (c->app->follower.unsubscribed)
        c->app->follower.unsubscribed(c->app->follower.arg, sub->conn, c->name);
    channel_remove(sub);
    if (gone)
        presence_announce_leave(c, gone);
    channel_count_changed(c);
    channel_release(c);
}

static bool unhold(hub_conn *conn, const char *name)
{
    for (held **at = &conn->held; *at; at = &(*at)->next) {
        held *it = *at;

        if (strcmp(it->channel, name) == 0) {
            *at = it->next;
            conn->n_held--;
            free(it);
            return true;
        }
    }
    return false;
}

void unsubscribe(hub_conn *conn, const char *name)
{
    channel *c = name ? channel_find(conn->app, name) : NULL;
    subscription *sub = c ? channel_subscription(c, conn) : NULL;

    if (sub)
        subscription_end(sub);
    else if (!name || !unhold(conn, name))
        conn_error(conn, 0, name,
                   "No current subscription to channel %s, or subscription in progress",
                   name ? name : "");
}

static held *take_held(hub_conn *conn)
{
    held *list = conn->held;

    conn->held = NULL;
    conn->n_held = 0;
    wheel_stop(&conn->held_timer);
    return list;
}

static void held_too_long(wheel_timer *t)
{
    hub_conn *conn = container_of(t, hub_conn, held_timer);
    held *next;

    for (held *it = take_held(conn); it; it = next) {
        next = it->next;
        refuse(conn, it->channel, "AuthError", 401,
               "This channel is for those who have proven who they are: sign in first");
        free(it);
    }
}

static void hold(hub_conn *conn, const char *name)
{
    hub *h = conn->app->hub;
    held *it;

    unhold(conn, name);
    if (conn->n_held >= HELD_MAX) {
        refuse(conn, name, "LimitReached", 4100, "Too many subscriptions wait for a sign-in");
        return;
    }
    conn->n_held++;
    it = mem_alloc(sizeof(*it) + strlen(name) + 1);
    strcpy(it->channel, name);
    it->next = conn->held;
    conn->held = it;
    if (!wheel_running(&conn->held_timer))
        wheel_start(h->wheel, &conn->held_timer, clock_monotonic_ms() + h->guard_wait_ms,
                    held_too_long);
}

void subscribe_retry_held(hub_conn *conn)
{
    held *next;

    for (held *it = take_held(conn); it; it = next) {
        next = it->next;
        if (may_try(conn, it->channel))
            subscribe_public(conn, it->channel);
        free(it);
    }
}

void subscribe_drop_held(hub_conn *conn)
{
    held *next;

    for (held *it = take_held(conn); it; it = next) {
        next = it->next;
        free(it);
    }
}
