/* pusher_auth_api.c - /pusher/auth and /pusher/user-auth: the authorization endpoints of the Pusher
 * protocol.
 *
 * pusher-js posts a form with the connection's socket_id and, for a channel, its name. The answer
 * is a signature that the connection presents to the hub. It is given for channels of the chat
 * alone (channel_map.h): further channels of the app are for the app's own backend, which knows the
 * app's secret, to authorize.
 *
 * The connection that it is for then lives by the caller's token and ends with it, at whichever
 * bridge it is (delivery/identity_notice.h).
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
    if (socket_id != NULL && pusher_socket_id_valid(socket_id))
        return socket_id;
    http_respond_error(req, 400, socket_id == NULL ? "missing_field" : "invalid_field", "socket_id",
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

/* False after 503 was answered. */
static bool vouch(const api *a, http_request *req, const caller *who, const char *socket_id)
{
    if (identity_vouch(a->hub, &a->verifier, a->pool, who, socket_id))
        return true;
    respond_unavailable(req);
    return false;
}

static void authorize(const api *a, http_request *req, const caller *who, const char *socket_id,
                      const char *channel)
{
    if (!vouch(a, req, who, socket_id))
        return;
    const config_app *app = &a->conf->apps[0];
    bool presence = strcmp(channel, CHANNEL_STAFF_PRESENCE) == 0;
    char *data = presence ? user_json(who, "user_id") : NULL;
    char *auth = pusher_sign_channel(app->key, app->secret, socket_id, channel, data);
    json_t *body = json_pack("{s:s}", "auth", auth);
    if (data != NULL)
        json_object_set_new(body, "channel_data", json_string(data));
    http_respond_json(req, 200, body);
    free(auth);
    free(data);
}

static void handle_auth(http_request *req, void *arg)
{
    const api *a = arg;
    caller *who = api_caller(a, req);
    if (who == NULL)
        return;
    const char *channel = http_form(req, "channel_name");
    const char *socket_id = required_socket_id(req);
    if (socket_id == NULL) {
        caller_free(who);
        return;
    }
    if (channel == NULL) {
        http_respond_error(req, 400, "missing_field", "channel_name", "channel_name is needed");
    } else if (channel_allows(channel, who)) {
        authorize(a, req, who, socket_id, channel);
    } else {
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
    const config_app *app = &a->conf->apps[0];
    caller *who = api_caller(a, req);
    if (who == NULL)
        return;
    const char *socket_id = required_socket_id(req);
    char *data = user_json(who, "id");
    if (socket_id != NULL && data != NULL && vouch(a, req, who, socket_id)) {
        char *auth = pusher_sign_user(app->key, app->secret, socket_id, data);
        http_respond_json(req, 200, json_pack("{s:s, s:s}", "auth", auth, "user_data", data));
        free(auth);
    }
    free(data);
    caller_free(who);
}

void pusher_auth_api_routes(api *a, server *srv)
{
    http_route(srv, "POST", "/pusher/auth", handle_auth, a);
    http_route(srv, "POST", "/pusher/user-auth", handle_user_auth, a);
}
