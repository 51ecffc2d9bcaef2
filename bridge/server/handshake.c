/*
 * handshake.c - the handshake is always accepted, and a refusal then said as Pusher does:
 * pusher:error and a Close frame with the code, because a browser shows a page nothing of a refused
 * HTTP upgrade.
 */
#include "server/handshake.h"

#include "base/mem.h"
#include "base/text.h"
#include "server/header.h"
#include "server/origin.h"

#include <stdlib.h>
#include <string.h>

#define PROTOCOL_OLDEST 5
#define PROTOCOL_NEWEST 7

static bool refused(handshake *hs, int code, const char *why)
{
    hs->code = code;
    hs->why = why;
    return false;
}

static bool find_app(server *srv, struct lws *wsi, handshake *hs)
{
    static const char app_path[] = "/app/";
    const char *prefix = srv->opt.path_prefix;
    char *path = header_copy(wsi, WSI_TOKEN_GET_URI);
    const char *rest = path;
    bool found = path != NULL;

    if (found && strncmp(rest, prefix, strlen(prefix)) == 0)
        rest += strlen(prefix);
    found = found && strncmp(rest, app_path, strlen(app_path)) == 0;
    if (found)
        hs->app = hub_app_by_key(srv->opt.hub, rest + strlen(app_path));
    free(path);
    if (!found)
        return refused(hs, 4005, "Path not found: connect to /app/KEY");
    if (!hs->app)
        return refused(hs, 4001, "There is no app with this key here");
    return true;
}

static void read_client(struct lws *wsi, handshake *hs)
{
    char *client = header_query(wsi, "client"), *version = header_query(wsi, "version");

    snprintf(hs->client, sizeof(hs->client), "%s %s", client ? client : "unknown",
             version ? version : "");
    free(client);
    free(version);
}

/* Without a number, it is taken for the newest, as Pusher does. */
static bool check_protocol(struct lws *wsi, handshake *hs)
{
    char *text = header_query(wsi, "protocol");
    int64_t protocol = PROTOCOL_NEWEST;
    bool is_number = !text || text_parse_int(text, 0, 1000, &protocol);

    free(text);
    if (!is_number)
        return refused(hs, 4006, "The protocol version is not a number");
    if (protocol < PROTOCOL_OLDEST || protocol > PROTOCOL_NEWEST)
        return refused(hs, 4007, "Unsupported protocol version: this server speaks 5 to 7");
    return true;
}

static bool check_origin(struct lws *wsi, handshake *hs)
{
    const char *allowed = hub_app_get_options(hs->app)->allowed_origins;
    char *origin = header_copy(wsi, WSI_TOKEN_ORIGIN);
    bool ok = !origin || origin_may_connect(origin, allowed);

    free(origin);
    return ok || refused(hs, 4009, "Origin not allowed");
}

static bool came_by_tls(server *srv, struct lws *wsi)
{
    char *proto = srv->opt.trust_forwarded ? header_copy_custom(wsi, "x-forwarded-proto:") : NULL;
    bool tls = proto ? strcmp(proto, "https") == 0 : lws_is_ssl(wsi);

    free(proto);
    return tls;
}

/* A cookie counts only if the page that opened the connection is one of ours: a browser sends it
 * for every page. What is no browser says no Origin, and has the cookie from its own store. */
static bool identify(server *srv, struct lws *wsi, handshake *hs)
{
    char *token = header_bearer(wsi), peer[HEADER_PEER_SIZE];
    bool too_many = false;

    if (!token) {
        char *origin = header_copy(wsi, WSI_TOKEN_ORIGIN), *host = header_copy(wsi, WSI_TOKEN_HOST);

        if (!origin || origin_is_host(origin, host, came_by_tls(srv, wsi)) ||
            origin_in_list(origin, srv->opt.allowed_origins))
            token = header_cookie(wsi, "unichat_token");
        free(origin);
        free(host);
    }
    header_client(srv->opt.trust_forwarded, wsi, peer);
    if (token && srv->opt.identify)
        hs->who = srv->opt.identify(srv->opt.identify_arg, peer, token, &hs->expires_at, &too_many);
    free(token);
    return !too_many ||
           refused(hs, 4100, "Too many wrong tokens; come back in a minute with a right one");
}

bool handshake_read(server *srv, struct lws *wsi, handshake *hs)
{
    memset(hs, 0, sizeof(*hs));
    read_client(wsi, hs);
    if (srv->draining)
        return refused(hs, 4200, "The server is restarting; reconnect");
    if (!find_app(srv, wsi, hs) || !check_protocol(wsi, hs) || !check_origin(wsi, hs))
        return false;
    return identify(srv, wsi, hs);
}
