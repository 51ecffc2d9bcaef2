/*
 * pusher_api.c - publish, and look at channels, by HTTP. Every call is signed with the app's
 * secret.
 *
 * What is wrong is said in plain text, because that is what the libraries show to their users. A
 * batch is checked whole before any of it is published. Reserved channels are this process's alone:
 * nothing is published to them here, and they are not shown.
 */
#include "api/pusher_api.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/query.h"
#include "hub/session.h"
#include "protocol/channel_name.h"
#include "protocol/pusher_publish.h"
#include "protocol/pusher_request.h"
#include "server/http.h"

#include <stdlib.h>
#include <string.h>

#define PARAMS_MAX 64

typedef struct pusher_api {
    hub *hub;
    const char *prefix;
} pusher_api;

static void say(http_request *req, int status, const char *text)
{
    http_respond(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* ---- who calls ---- */

static char *check_signature(const pusher_api *api, const http_request *req, const hub_app *app)
{
    const hub_app_options *o = hub_app_get_options(app);
    pusher_param params[PARAMS_MAX];
    size_t n = 0, body_len;
    const char *body = http_body(req, &body_len);

    while (n < PARAMS_MAX && http_query_at(req, n, &params[n].name, &params[n].value))
        n++;
    return pusher_request_check(&(pusher_request){.method = http_method(req),
                                                  .path = http_path(req),
                                                  .prefix = api->prefix,
                                                  .params = params,
                                                  .n_params = n,
                                                  .body = body,
                                                  .body_len = body_len,
                                                  .now = clock_unix_seconds()},
                                o->key, o->secret);
}

/* The app of a call that is signed for it; else NULL, and the request is answered. */
static hub_app *authorized(const pusher_api *api, http_request *req)
{
    hub_app *app = hub_app_by_id(api->hub, http_param(req, "id"));
    char *why;

    if (!app) {
        say(req, 404, "There is no app with this id here");
        return NULL;
    }
    why = check_signature(api, req, app);
    if (!why)
        return app;
    log_info("event=api_refused peer=%s app=%s reason=%s", http_peer(req), http_param(req, "id"),
             LOG_Q(why));
    say(req, 401, why);
    free(why);
    return NULL;
}

/* ---- publish ---- */

static json_t *info_of(const hub_app *app, const char *name, pusher_info want)
{
    json_t *info = json_object();
    hub_channel_info is;

    hub_channel_get_info(app, name, &is);
    if (want.user_count && channel_name_type(name).kind == CHANNEL_PRESENCE)
        json_object_set_new(info, "user_count", json_integer(is.user_count));
    if (want.subscription_count)
        json_object_set_new(info, "subscription_count", json_integer(is.subscription_count));
    return info;
}

static bool wants_info(const pusher_event *e)
{
    return e->info.user_count || e->info.subscription_count;
}

static const char *reserved_channel(const hub_app *app, const pusher_publish *p)
{
    for (size_t i = 0; i < p->n_events; i++)
        for (size_t j = 0; j < p->events[i].n_channels; j++)
            if (hub_is_reserved(app, p->events[i].channels[j]))
                return p->events[i].channels[j];
    return NULL;
}

static void publish(hub_app *app, const pusher_event *e)
{
    for (size_t i = 0; i < e->n_channels; i++)
        hub_publish(app, e->channels[i], e->name, e->data, e->data_len, e->socket_id);
}

/* {} if nothing was asked. */
static json_t *events_answer(const hub_app *app, const pusher_event *e)
{
    json_t *channels;

    if (!wants_info(e))
        return json_object();
    channels = json_object();
    for (size_t i = 0; i < e->n_channels; i++)
        json_object_set_new(channels, e->channels[i], info_of(app, e->channels[i], e->info));
    return json_pack("{s:o}", "channels", channels);
}

static json_t *batch_answer(const hub_app *app, const pusher_publish *p)
{
    bool any = false;
    json_t *list = json_array();

    for (size_t i = 0; i < p->n_events; i++) {
        any |= wants_info(&p->events[i]);
        json_array_append_new(list, info_of(app, p->events[i].channels[0], p->events[i].info));
    }
    if (any)
        return json_pack("{s:o}", "batch", list);
    json_decref(list);
    return json_object();
}

static pusher_publish_limits limits_of(const hub_app *app)
{
    const hub_app_options *o = hub_app_get_options(app);

    return (pusher_publish_limits){.channels = o->max_publish_channels,
                                   .batch = o->max_batch,
                                   .event_name = o->max_event_name,
                                   .channel_name = o->max_channel_name,
                                   .data = o->max_event_bytes};
}

static void publish_request(const pusher_api *api, http_request *req, bool batch)
{
    hub_app *app = authorized(api, req);
    pusher_publish_limits limits;
    pusher_publish p;
    size_t len;
    const char *body;
    char *why;
    int status;

    if (!app)
        return;
    limits = limits_of(app);
    body = http_body(req, &len);
    status = pusher_publish_parse(&p, body, len, batch, &limits, &why);
    if (status) {
        say(req, status, why);
        free(why);
        return;
    }
    if (reserved_channel(app, &p)) {
        say(req, 403, "This channel belongs to the chat: only the database publishes to it");
    } else {
        for (size_t i = 0; i < p.n_events; i++)
            publish(app, &p.events[i]);
        http_respond_json(req, 200, batch ? batch_answer(app, &p) : events_answer(app, p.events));
    }
    pusher_publish_free(&p);
}

static void post_events(http_request *req, void *arg)
{
    publish_request(arg, req, false);
}

static void post_batch(http_request *req, void *arg)
{
    publish_request(arg, req, true);
}

/* ---- look ---- */

typedef struct listing {
    json_t *channels;
    const char *prefix;
    pusher_info want;
} listing;

static void list_one(void *arg, const hub_channel_info *is)
{
    listing *l = arg;
    json_t *info;

    if (strncmp(is->name, l->prefix, strlen(l->prefix)) != 0)
        return;
    info = json_object();
    if (l->want.user_count)
        json_object_set_new(info, "user_count", json_integer(is->user_count));
    if (l->want.subscription_count)
        json_object_set_new(info, "subscription_count", json_integer(is->subscription_count));
    json_object_set_new(l->channels, is->name, info);
}

static void get_channels(http_request *req, void *arg)
{
    hub_app *app = authorized(arg, req);
    const char *prefix = http_query(req, "filter_by_prefix");
    listing l = {.prefix = prefix ? prefix : ""};

    if (!app)
        return;
    if (!pusher_info_parse(&l.want, http_query(req, "info")) || l.want.cache) {
        say(req, 400, "info may have user_count and subscription_count");
    } else if (l.want.user_count && strncmp(l.prefix, "presence-", 9) != 0) {
        say(req, 400,
            "user_count is for presence channels: filter_by_prefix must begin with presence-");
    } else {
        l.channels = json_object();
        hub_list_channels(app, list_one, &l);
        http_respond_json(req, 200, json_pack("{s:o}", "channels", l.channels));
    }
}

/* The channel of a path; else NULL, and the request is answered. */
static const char *channel_of(const hub_app *app, http_request *req)
{
    const char *name = http_param(req, "name");

    if (!channel_name_valid(name, strlen(name), hub_app_get_options(app)->max_channel_name))
        say(req, 400, "This is no channel name");
    else if (hub_is_reserved(app, name))
        say(req, 403, "This channel belongs to the chat");
    else
        return name;
    return NULL;
}

static json_t *channel_answer(const hub_app *app, const char *name, pusher_info want)
{
    hub_channel_info is;
    json_t *answer;

    hub_channel_get_info(app, name, &is);
    answer = json_pack("{s:b}", "occupied", is.subscription_count > 0);
    if (want.user_count)
        json_object_set_new(answer, "user_count", json_integer(is.user_count));
    if (want.subscription_count)
        json_object_set_new(answer, "subscription_count", json_integer(is.subscription_count));
    if (want.cache)
        json_object_set_new(
            answer, "cache",
            is.cache_data ? json_pack("{s:s, s:i}", "data", is.cache_data, "ttl", (int)is.cache_ttl)
                          : json_null());
    return answer;
}

static void get_channel(http_request *req, void *arg)
{
    hub_app *app = authorized(arg, req);
    const char *name = app ? channel_of(app, req) : NULL;
    pusher_info want;

    if (!name)
        return;
    if (!pusher_info_parse(&want, http_query(req, "info")))
        say(req, 400, "info may have user_count, subscription_count and cache");
    else if (want.user_count && channel_name_type(name).kind != CHANNEL_PRESENCE)
        say(req, 400, "user_count is for presence channels");
    else if (want.cache && !channel_name_type(name).cache)
        say(req, 400, "cache is for cache channels");
    else
        http_respond_json(req, 200, channel_answer(app, name, want));
}

static void list_user(void *arg, const char *user_id)
{
    json_array_append_new(arg, json_pack("{s:s}", "id", user_id));
}

static void get_users(http_request *req, void *arg)
{
    hub_app *app = authorized(arg, req);
    const char *name = app ? channel_of(app, req) : NULL;
    json_t *users;

    if (!name)
        return;
    if (channel_name_type(name).kind != CHANNEL_PRESENCE) {
        say(req, 400, "Users are known of presence channels only");
        return;
    }
    users = json_array();
    hub_list_members(app, name, list_user, users);
    http_respond_json(req, 200, json_pack("{s:o}", "users", users));
}

static void post_terminate(http_request *req, void *arg)
{
    hub_app *app = authorized(arg, req);

    unsigned closed;

    if (!app)
        return;
    closed = hub_terminate_user(app, http_param(req, "user"));
    log_info("event=user_terminated app=%s user=%s connections=%u", http_param(req, "id"),
             LOG_Q(http_param(req, "user")), closed);
    http_respond_json(req, 200, json_object());
}

static void add(server *srv, pusher_api *api, const char *prefix)
{
    static const struct {
        const char *method, *path;
        http_handler *handler;
    } routes[] = {
        {"POST", "/apps/:id/events", post_events},
        {"POST", "/apps/:id/batch_events", post_batch},
        {"GET", "/apps/:id/channels", get_channels},
        {"GET", "/apps/:id/channels/:name", get_channel},
        {"GET", "/apps/:id/channels/:name/users", get_users},
        {"POST", "/apps/:id/users/:user/terminate_connections", post_terminate},
    };

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        char *pattern = mem_printf("%s%s", prefix, routes[i].path);

        http_route(srv, routes[i].method, pattern, routes[i].handler, api);
        free(pattern);
    }
}

/* Lives as long as the process, like the routes. */
void pusher_api_add(server *srv, hub *h, const char *path_prefix)
{
    static pusher_api api;

    api = (pusher_api){.hub = h, .prefix = path_prefix};
    add(srv, &api, "");
    if (*path_prefix)
        add(srv, &api, path_prefix);
}
