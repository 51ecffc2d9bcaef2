/* pusher_auth_api.c - /pusher/auth and /pusher/user-auth: the authorization endpoints of the Pusher
 * protocol.
 *
 * pusher-js posts a form with the connection's socket_id and, for a channel, its name. The answer
 * is a signature that the connection presents to the hub. It is given for channels of the chat
 * alone (channel_map.h): further channels of the app are for the app's own backend, which knows the
 * app's secret, to authorize.
 *
 * The connection that it is for then lives by the caller's token and ends with it, at whichever
 * bridge it is (delivery/identity_notice.h): the answer waits until that is certain.
 *
 * The user's id is role and encoded sub ("player-42", "staff-grace"), so that no player is taken
 * for a staff member of the same name; user_info has the plain sub.
 */
#include "api/api.h"
#include "api/respond.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/channel_map.h"
#include "delivery/identity_notice.h"
#include "protocol/pusher_sign.h"

#include <stdlib.h>
#include <string.h>

static const char *required_socket_id(http_request *req)
{
    const char *socket_id = http_form(req, "socket_id");
    if (socket_id && pusher_socket_id_valid(socket_id))
        return socket_id;
    http_respond_error(req, 400, socket_id ? "invalid_field" : "missing_field", "socket_id",
                       "socket_id must be two numbers with a dot between them");
    return NULL;
}

/* {"role","sub","name"}, what others see of a presence member. */
static json_t *user_info(const caller *who)
{
    return json_pack("{s:s, s:s, s:s}", "role", caller_role_name(who->role), "sub", who->sub,
                     "name", *who->name == '\0' ? who->sub : who->name);
}

static char *user_json(const caller *who, const char *id_member)
{
    char id[CHANNEL_NAME_SIZE];
    const char *prefix = who->role == CALLER_STAFF ? "staff-" : CHANNEL_PLAYER_PREFIX;
    if (!channel_of_player(id, prefix, who->sub))
        return NULL;
    json_t *user = json_pack("{s:s, s:o}", id_member, id, "user_info", user_info(who));
    char *text = json_dumps(user, JSON_COMPACT);
    json_decref(user);
    return text;
}

/* What is asked for. Its strings are the request's. */
typedef struct wanted {
    const api *a;
    http_request *req;
    caller *who;
    const char *socket_id;
    const char *channel; /* NULL: a sign-in */
} wanted;

static void answer_channel(const wanted *w)
{
    const config_app *app = &w->a->conf->apps[0];
    bool presence = strcmp(w->channel, CHANNEL_STAFF_PRESENCE) == 0;
    char *data = presence ? user_json(w->who, "user_id") : NULL;
    char *auth = pusher_sign_channel(app->key, app->secret, w->socket_id, w->channel, data);
    json_t *body = json_pack("{s:s}", "auth", auth);
    if (data)
        json_object_set_new(body, "channel_data", json_string(data));
    http_respond_json(w->req, 200, body);
    free(auth);
    free(data);
}

static void answer_sign_in(const wanted *w)
{
    const config_app *app = &w->a->conf->apps[0];
    char *data = user_json(w->who, "id");
    char *auth = pusher_sign_user(app->key, app->secret, w->socket_id, data);
    http_respond_json(w->req, 200, json_pack("{s:s, s:s}", "auth", auth, "user_data", data));
    free(auth);
    free(data);
}

/* A token that was revoked while the database was asked has been good for nothing. */
static void on_vouched(void *arg, bool vouched)
{
    wanted *w = arg;
    const char *why;
    if (!vouched) {
        respond_unavailable(w->req);
    } else if (!token_is_still_good(&w->a->verifier, w->who, &why)) {
        http_set_header(w->req, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
        http_respond_error(w->req, 401, "invalid_token", NULL, "%s", why);
    } else if (w->channel) {
        answer_channel(w);
    } else {
        answer_sign_in(w);
    }
    caller_free(w->who);
    free(w);
}

/* Takes over the caller. */
static void authorize(const api *a, http_request *req, caller *who, const char *socket_id,
                      const char *channel)
{
    wanted *w = mem_new(wanted);
    *w = (wanted){.a = a, .req = req, .who = who, .socket_id = socket_id, .channel = channel};
    identity_vouch(a->hub, &a->verifier, a->pool, who, socket_id, on_vouched, w);
}

static void handle_auth(http_request *req, void *arg)
{
    const api *a = arg;
    caller *who = api_caller(a, req);
    if (!who)
        return;
    const char *channel = http_form(req, "channel_name");
    const char *socket_id = required_socket_id(req);
    if (socket_id && channel && channel_allows(channel, who)) {
        authorize(a, req, who, socket_id, channel);
        return;
    }
    if (socket_id && !channel) {
        http_respond_error(req, 400, "missing_field", "channel_name", "channel_name is needed");
    } else if (socket_id) {
        log_info("event=channel_refused role=%s sub=%s channel=%s peer=%s",
                 caller_role_name(who->role), LOG_Q(who->sub), LOG_Q(channel), http_peer(req));
        http_respond_error(req, 403, "forbidden", "channel_name",
                           "the token does not allow this channel");
    }
    caller_free(who);
}

static void handle_user_auth(http_request *req, void *arg)
{
    const api *a = arg;
    caller *who = api_caller(a, req);
    if (!who)
        return;
    const char *socket_id = required_socket_id(req);
    if (socket_id)
        authorize(a, req, who, socket_id, NULL);
    else
        caller_free(who);
}

void pusher_auth_api_routes(api *a, server *srv)
{
    http_route(srv, "POST", "/pusher/auth", handle_auth, a);
    http_route(srv, "POST", "/pusher/user-auth", handle_user_auth, a);
}
