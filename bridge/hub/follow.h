/* follow.h - for a module above the hub that looks after single subscriptions (delivery/resume.h).
 *
 * It hears of subscriptions as they come and go, gets the events that clients send it by a prefix
 * of their own, and may hold a subscription back:
 *
 *     hub_publish_event() ──▶ subscription, open ──▶ connection
 *                         ──▶ subscription, held ──▶ follower.take(frame, what)
 *
 * Only what hub_publish_event() sends is held back. Everything else on the channel (client events,
 * presence, events of the HTTP API) goes its way.
 *
 * The callbacks run in the middle of the hub's work: they may use this header's functions, and must
 * not publish or close.
 */
#ifndef UNICHAT_HUB_FOLLOW_H
#define UNICHAT_HUB_FOLLOW_H

#include "hub/frame.h"
#include "hub/hub.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct hub_follower {
    const char *prefix; /* of the names of its client events, "unichat:" */

    /* A client event. `data` is what the client sent, or NULL. */
    void (*client_event)(void *arg, hub_conn *conn, const char *event, const json_t *data);

    /* JSON that a new subscriber is told with subscription_succeeded, or NULL; constant until the
     * next call. */
    const char *(*greeting)(void *arg, hub_conn *conn, const char *channel);

    /* Before anything is published to the new subscription. */
    void (*subscribed)(void *arg, hub_conn *conn, const char *channel);

    /* A frame for a held subscription; take a reference to keep it. `what` is what was given to
     * hub_publish_event(). */
    void (*take)(void *arg, hub_conn *conn, const char *channel, frame *f, const void *what);

    void (*unsubscribed)(void *arg, hub_conn *conn, const char *channel);
    void (*disconnected)(void *arg, hub_conn *conn); /* after unsubscribed() of every channel */
    void *arg;
} hub_follower;

/* One follower per app; copied. Before its first connection. */
void hub_app_set_follower(hub_app *app, const hub_follower *follower);

/* Like hub_publish() to all; held subscriptions get it by the follower's take(), with `what`. The
 * channel is looked for once, so there is no need to ask for subscribers before. */
size_t hub_publish_event(hub_app *app, const char *channel, const char *event, const char *data,
                         size_t len, const void *what);

/* Holds a subscription back, or opens it again. False when the connection has no such subscription.
 */
bool hub_hold(hub_conn *conn, const char *channel, bool held);

/* To one connection alone. */
void hub_send(hub_conn *conn, const char *channel, const char *event, const char *data, size_t len);
void hub_send_frame(hub_conn *conn, frame *f);

/* Bytes that wait to be written to it. */
size_t hub_backlog(const hub_conn *conn);

/* Its identity in logs. */
const char *hub_conn_log_name(const hub_conn *conn);

/* Calls visit(arg, name) for every channel that has subscribers. visit() may publish to that one,
 * and must not close connections. */
void hub_each_channel(hub_app *app, void (*visit)(void *arg, const char *channel), void *arg);

#endif
