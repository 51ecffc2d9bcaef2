/* follow.c - see follow.h. */
#include "hub/follow.h"

#include "hub/channel.h"
#include "hub/conn.h"
#include "protocol/pusher_frame.h"

void hub_app_set_follower(hub_app *app, const hub_follower *follower)
{
    app->follower = *follower;
}

static bool publish_one(const hub_app *app, const subscription *sub, frame *f, const void *what)
{
    if (!sub->peer)
        return false;
    if (sub->held)
        app->follower.take(app->follower.arg, sub->conn, sub->channel->name, f, what);
    else
        app->hub->transport.send(sub->peer, f);
    return !sub->held;
}

size_t hub_publish_event(hub_app *app, const char *name, const char *event, const char *data,
                         size_t len, const void *what)
{
    buf *scratch = &app->hub->scratch;
    const channel *c = channel_find(app, name);
    size_t sent = 0;
    frame *f;

    if (!c || c->n_subs == 0)
        return 0;
    metric_add(app->hub->counts.published, 1);
    pusher_frame_event(scratch, name, event, data, len);
    f = frame_new(scratch->data, scratch->len);
    buf_clear(scratch);
    for (unsigned i = 0; i < c->n_subs; i++)
        sent += publish_one(app, c->subs[i], f, what);
    metric_add(app->hub->counts.frames_out, sent);
    frame_unref(f);
    return sent;
}

bool hub_hold(hub_conn *conn, const char *name, bool hold)
{
    const channel *c = channel_find(conn->app, name);
    subscription *sub = c ? channel_subscription(c, conn) : NULL;

    if (sub)
        sub->held = hold;
    return sub != NULL;
}

void hub_send(hub_conn *conn, const char *name, const char *event, const char *data, size_t len)
{
    pusher_frame_event(&conn->app->hub->scratch, name, event, data, len);
    conn_send_scratch(conn);
}

void hub_send_frame(hub_conn *conn, frame *f)
{
    if (conn->closing)
        return;
    conn->app->hub->transport.send(conn->peer, f);
    metric_add(conn->app->hub->counts.frames_out, 1);
}

size_t hub_backlog(const hub_conn *conn)
{
    return conn->app->hub->transport.backlog(conn->peer);
}

const char *hub_conn_log_name(const hub_conn *conn)
{
    return conn->log_name;
}

void hub_each_channel(hub_app *app, void (*visit)(void *arg, const char *channel), void *arg)
{
    const channel *c;
    size_t at = 0;

    while ((c = map_next(&app->channels, &at)))
        if (c->n_subs > 0)
            visit(arg, c->name);
}
