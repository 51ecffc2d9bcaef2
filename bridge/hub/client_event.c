/* client_event.c - see client_event.h.
 *
 * An event goes from one subscriber to the others as it was written, if the app has client events
 * switched on, the channel is a private or presence one, and the sender is in it. Each refusal is
 * told to the sender, and is not an end: what is over the rate is dropped, with the time after
 * which the next one passes. Whether it arrives, nobody is told.
 */
#include "hub/client_event.h"

#include "hub/presence.h"
#include "protocol/pusher_frame.h"

#include <string.h>

#define CODE_RATE_LIMIT 4301

/* Milliseconds to wait, at least 1, or 0. */
static unsigned over_rate(hub_conn *conn)
{
    unsigned most = conn->app->options.max_client_events_per_sec;
    uint64_t wait = limit_take_us(conn->app->hub->too_many_events, rate_of(most, 1, most),
                                  hub_conn_identity(conn));

    return (unsigned)((wait + 999) / 1000);
}

/* What forbids the event, or NULL and the sender's subscription. */
static const char *forbidden(const hub_conn *conn, const pusher_message *m, subscription **sub)
{
    const hub_app_options *o = &conn->app->options;
    channel_kind kind = m->channel ? channel_name_type(m->channel).kind : CHANNEL_PUBLIC;
    channel *c = m->channel ? channel_find(conn->app, m->channel) : NULL;

    if (!o->client_events)
        return "Client events are not enabled for this app";
    if (!channel_kind_needs_auth(kind))
        return "Client event rejected - only supported on private and presence channels";
    *sub = c ? channel_subscription(c, conn) : NULL;
    if (!*sub)
        return "Cannot broadcast client event (connection not subscribed to the channel)";
    if (strlen(m->event) > o->max_event_name)
        return "Client event rejected - the event name is longer than this app allows";
    if (m->data_len > o->max_event_bytes)
        return "Client event rejected - the data is larger than this app allows";
    return NULL;
}

static void pass_on(hub_conn *conn, const subscription *sub, const pusher_message *m)
{
    channel *c = sub->channel;
    const char *user_id = sub->member ? sub->member->id : NULL;

    pusher_frame_client_event(&conn->app->hub->scratch, c->name, m->event, m->data, m->data_len,
                              user_id);
    channel_send_scratch(c, conn);
    metric_add(conn->app->hub->counts.client_events, 1);
    if (!c->reserved)
        app_tell(conn->app, &(hub_happening){.kind = HUB_CLIENT_EVENT,
                                             .channel = c->name,
                                             .event = m->event,
                                             .data = m->data,
                                             .data_len = m->data_len,
                                             .socket_id = conn->socket_id,
                                             .user_id = user_id});
}

void client_event(hub_conn *conn, const pusher_message *m)
{
    subscription *sub = NULL;
    const char *why = forbidden(conn, m, &sub);
    unsigned wait = why ? 0 : over_rate(conn);

    if (why)
        conn_error(conn, 0, m->channel, "%s", why);
    else if (wait)
        conn_error(conn, CODE_RATE_LIMIT, m->channel,
                   "Client event rejected - more than %u a second; try again "
                   "in %u ms",
                   conn->app->options.max_client_events_per_sec, wait);
    else
        pass_on(conn, sub, m);
}
