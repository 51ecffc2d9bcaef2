/* auth.c - who is calling (see api.h).
 *
 * The token comes in `Authorization: Bearer …` or in a cookie. A browser sends cookies by itself,
 * also with a request that another site has made, so a request that changes something by a cookie's
 * power must prove where it comes from.
 */
#include "api/api.h"
#include "api/throttle.h"
#include "base/clock.h"
#include "base/log.h"

#include <string.h>
#include <strings.h>

/* Both portals may be open in one browser: the role that the page says chooses the cookie, and
 * proves nothing. */
static const char *cookie_token(http_request *req)
{
    const char *role = http_header(req, "x-unichat-role");
    const char *token = NULL;
    if (role && strcmp(role, "player") == 0)
        token = http_cookie(req, "unichat_token_player");
    else if (role && strcmp(role, "staff") == 0)
        token = http_cookie(req, "unichat_token_staff");
    return token ? token : http_cookie(req, "unichat_token");
}

const char *api_token(http_request *req, bool *by_cookie)
{
    const char *authorization = http_header(req, "authorization");
    *by_cookie = !authorization;
    if (!authorization)
        return cookie_token(req);
    if (strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    return authorization + 7 + strspn(authorization + 7, " ");
}

static bool changes_something(const http_request *req)
{
    return strcmp(http_method(req), "GET") != 0 && strcmp(http_method(req), "HEAD") != 0;
}

caller *api_caller(const api *a, http_request *req)
{
    bool by_cookie;
    const char *why, *token = api_token(req, &by_cookie);
    if (!token || *token == '\0') {
        http_set_header(req, "WWW-Authenticate", "Bearer");
        http_respond_error(req, 401, "unauthenticated", NULL, "a token is needed");
        return NULL;
    }
    if (by_cookie && changes_something(req) && !http_same_origin(req)) {
        http_respond_error(req, 403, "origin_not_allowed", NULL,
                           "the request comes from a page of another origin");
        return NULL;
    }
    caller *who = token_verify(&a->verifier, token, clock_unix_seconds(), &why);
    if (who && !throttle_call(a, req, who)) {
        caller_free(who);
        return NULL;
    }
    if (!who && throttle_failure(a, req)) {
        log_info("event=token_refused peer=%s path=%s reason=%s", http_peer(req),
                 LOG_Q(http_path(req)), LOG_Q(why));
        http_set_header(req, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
        http_respond_error(req, 401, "invalid_token", NULL, "%s", why);
    }
    return who;
}

caller *api_staff(const api *a, http_request *req)
{
    caller *who = api_caller(a, req);
    if (!who || who->role == CALLER_STAFF)
        return who;
    caller_free(who);
    http_respond_error(req, 403, "forbidden", NULL, "this is for staff alone");
    return NULL;
}
