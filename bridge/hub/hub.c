/* hub.c - see hub.h. */
#include "hub/hub.h"

#include "base/clock.h"
#include "base/mem.h"
#include "hub/app.h"
#include "hub/conn.h"
#include "hub/presence.h"
#include "hub/user.h"
#include "protocol/pusher_frame.h"

#include <stdlib.h>
#include <string.h>

static hub_counts register_counters(void)
{
    return (hub_counts){
        .accepted = metric_counter("unichat_connections_total", NULL,
                                   "WebSocket connections that were accepted."),
        .frames_in = metric_counter("unichat_messages_in_total", NULL, "Messages of clients."),
        .frames_out = metric_counter("unichat_messages_out_total", NULL,
                                     "Messages queued for clients, counted for each of them."),
        .published = metric_counter("unichat_published_total", NULL,
                                    "Events published to a channel, listened to or not."),
        .client_events = metric_counter("unichat_client_events_total", NULL,
                                        "Events of clients that were passed on."),
        .refused = metric_counter("unichat_subscriptions_refused_total", NULL,
                                  "Subscriptions that were refused."),
        .errors = metric_counter("unichat_client_errors_total", NULL,
                                 "Errors that clients were told of."),
    };
}

hub *hub_new(void)
{
    hub *h = mem_new(hub);

    h->wheel = wheel_new(clock_monotonic_ms());
    h->counts = register_counters();
    h->identities = tally_new();
    h->by_identity = limit_get("identity_sockets");
    h->too_many_events = limit_get("client_events");
    h->guard_wait_ms = 2000;
    h->activity_timeout = 120;
    return h;
}

static void app_free(hub_app *app)
{
    while (app->channels.count) {
        size_t first = 0;

        channel_free(map_next(&app->channels, &first));
    }
    map_clear(&app->channels);
    free((char *)app->options.id);
    free((char *)app->options.key);
    free((char *)app->options.secret);
    free((char *)app->options.allowed_origins);
    free((char *)app->options.webhook_url);
    free(app);
}

void hub_free(hub *h)
{
    hub_app *next;

    for (hub_app *app = h->apps; app; app = next) {
        next = app->next;
        app_free(app);
    }
    buf_free(&h->scratch);
    map_clear(&h->conns);
    wheel_free(h->wheel);
    tally_free(h->identities);
    free(h);
}

void hub_set_transport(hub *h, const hub_transport *transport)
{
    h->transport = *transport;
}

void hub_set_observer(hub *h, hub_observe *observe, void *arg)
{
    h->observe = observe;
    h->observe_arg = arg;
}

void hub_set_timing(hub *h, unsigned guard_wait_ms, unsigned activity_timeout)
{
    h->guard_wait_ms = guard_wait_ms;
    h->activity_timeout = activity_timeout;
}

void hub_set_identity_max(hub *h, unsigned max)
{
    h->identity_max = max;
}

wheel *hub_wheel(hub *h)
{
    return h->wheel;
}

hub_app *hub_app_add(hub *h, const hub_app_options *options)
{
    hub_app *app;

    if (hub_app_by_id(h, options->id) || hub_app_by_key(h, options->key))
        return NULL;
    app = mem_new(hub_app);
    app->hub = h;
    app->options = *options;
    app->options.id = mem_strdup(options->id);
    app->options.key = mem_strdup(options->key);
    app->options.secret = mem_strdup(options->secret);
    app->options.allowed_origins = mem_strdup(options->allowed_origins);
    app->options.webhook_url = mem_strdup(options->webhook_url);
    app->next = h->apps;
    h->apps = app;
    return app;
}

void hub_app_set_guard(hub_app *app, const hub_guard *guard)
{
    app->guard = *guard;
}

hub_app *hub_app_by_id(hub *h, const char *id)
{
    hub_app *app = h->apps;

    while (app && strcmp(app->options.id, id) != 0)
        app = app->next;
    return app;
}

hub_app *hub_app_by_key(hub *h, const char *key)
{
    hub_app *app = h->apps;

    while (app && strcmp(app->options.key, key) != 0)
        app = app->next;
    return app;
}

const hub_app_options *hub_app_get_options(const hub_app *app)
{
    return &app->options;
}

bool app_is_guarded(const hub_app *app, const char *name)
{
    return app->guard.is_guarded && app->guard.is_guarded(app->guard.arg, name);
}

bool app_is_reserved(const hub_app *app, const char *name)
{
    return app->guard.is_reserved && app->guard.is_reserved(app->guard.arg, name);
}

void app_tell(hub_app *app, const hub_happening *what)
{
    if (app->hub->observe)
        app->hub->observe(app->hub->observe_arg, app, what);
}

/* The channel to publish to: an existing one, or a new one that will keep the event. */
static channel *publish_target(hub_app *app, const char *name)
{
    channel *c = channel_find(app, name);

    if (!c && channel_name_type(name).cache && app->options.cache_ms)
        c = channel_get(app, name);
    return c;
}

size_t hub_publish(hub_app *app, const char *name, const char *event, const char *data, size_t len,
                   const char *except_socket_id)
{
    buf *scratch = &app->hub->scratch;
    channel *c = publish_target(app, name);
    hub_conn *except = NULL;
    size_t sent;
    frame *f;

    metric_add(app->hub->counts.published, 1);
    if (!c)
        return 0;
    if (except_socket_id)
        except = conn_find(app->hub, except_socket_id);
    pusher_frame_event(scratch, name, event, data, len);
    f = frame_new(scratch->data, scratch->len);
    buf_clear(scratch);
    if (c->type.cache && app->options.cache_ms)
        channel_cache_set(c, f, data, len);
    sent = channel_send(c, f, except);
    frame_unref(f);
    return sent;
}

bool hub_has_subscribers(const hub_app *app, const char *name)
{
    const channel *c = channel_find(app, name);

    return c && c->n_subs > 0;
}

const caller *hub_conn_caller(const hub_conn *conn)
{
    return conn->who;
}

const char *hub_conn_user_id(const hub_conn *conn)
{
    return conn->user ? conn->user->id : NULL;
}

const char *hub_conn_user_data(const hub_conn *conn)
{
    return conn->user_data;
}

const char *hub_conn_socket_id(const hub_conn *conn)
{
    return conn->socket_id;
}

void hub_get_stats(const hub *h, hub_stats *out)
{
    *out = h->stats;
}
