/* session_api.c - /session: who am I, a cookie for my token, and the demo's sign-in.
 *
 * The bridge issues no identities of its own. The demo (setting demo_password) is the exception,
 * for trying out: it signs a token for whatever name is given, is refused at start unless the
 * bridge listens on loopback, and is not there for what a proxy has passed on.
 */
#include "api/api.h"
#include "api/respond.h"
#include "api/throttle.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* A proxy on the same machine would make a loopback address one of the whole world. */
static bool demo_is_on(const api *a, const http_request *req)
{
    return *a->conf->demo_password != '\0' && !http_is_forwarded(req);
}

/* A browser sends the origin of its page with what sets a cookie, so that it is also Secure behind
 * a proxy that speaks TLS and does not say so, or is not believed. */
static bool is_secure(const api *a, const http_request *req)
{
    return strcmp(a->conf->cookie_secure, "always") == 0 || http_is_tls(req) ||
           http_page_is_tls(req);
}

static void set_cookie(const api *a, http_request *req, const char *name, const char *value,
                       int64_t max_age)
{
    char *cookie = mem_printf("%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s", name,
                              value, (long long)max_age, is_secure(a, req) ? "; Secure" : "");
    http_set_header(req, "Set-Cookie", cookie);
    free(cookie);
}

/* 401 with `demo`, which the portals need to show the right form. */
static void respond_no_session(const api *a, http_request *req, const char *code, const char *why)
{
    http_respond_json(req, 401,
                      json_pack("{s:{s:s, s:s}, s:b}", "error", "code", code, "message", why,
                                "demo", demo_is_on(a, req)));
}

static void handle_get(http_request *req, void *arg)
{
    const api *a = arg;
    bool by_cookie;
    const char *why, *token = api_token(req, &by_cookie);
    if (!token || *token == '\0') {
        respond_no_session(a, req, "unauthenticated", "a token is needed");
        return;
    }
    caller *who = token_verify(&a->verifier, token, clock_unix_seconds(), &why);
    if (!who) {
        if (throttle_failure(a, req))
            respond_no_session(a, req, "invalid_token", why);
        return;
    }
    if (!throttle_call(a, req, who)) {
        caller_free(who);
        return;
    }
    char expires[CLOCK_RFC3339_SIZE];
    clock_rfc3339_us(expires, who->expires_at * 1000000);
    http_respond_json(req, 200,
                      json_pack("{s:s, s:s, s:s, s:s, s:{s:s}, s:b}", "role",
                                caller_role_name(who->role), "sub", who->sub, "name", who->name,
                                "expiresAt", expires, "app", "key", a->conf->apps[0].key, "demo",
                                demo_is_on(a, req)));
    caller_free(who);
}

/* The token must be in the header: what a cookie brings is a cookie already. */
static void handle_post(http_request *req, void *arg)
{
    const api *a = arg;
    bool by_cookie;
    const char *token = api_token(req, &by_cookie);
    if (by_cookie || !token) {
        http_respond_error(req, 401, "unauthenticated", NULL, "Authorization: Bearer is needed");
        return;
    }
    if (!http_same_origin(req)) {
        http_respond_error(req, 403, "origin_not_allowed", NULL,
                           "the request comes from a page of another origin");
        return;
    }
    caller *who = api_caller(a, req);
    if (!who)
        return;
    set_cookie(a, req, "unichat_token", token, who->expires_at - clock_unix_seconds());
    http_respond_json(req, 204, NULL);
    caller_free(who);
}

static void handle_delete(http_request *req, void *arg)
{
    const api *a = arg;
    if (!http_same_origin(req)) {
        http_respond_error(req, 403, "origin_not_allowed", NULL,
                           "the request comes from a page of another origin");
        return;
    }
    const char *role = http_header(req, "x-unichat-role");
    set_cookie(a, req, "unichat_token", "", 0);
    if (!role || strcmp(role, "player") == 0)
        set_cookie(a, req, "unichat_token_player", "", 0);
    if (!role || strcmp(role, "staff") == 0)
        set_cookie(a, req, "unichat_token_staff", "", 0);
    http_respond_json(req, 204, NULL);
}

/* ---- the demo ---- */

static void sign_in(const api *a, http_request *req, caller_role role, const char *name)
{
    int64_t now = clock_unix_seconds(), lifetime = a->conf->demo_session / 1000;
    caller *who = caller_new(role, name, name, now + lifetime);
    char *token = token_mint(&a->verifier, who, now);
    caller_free(who);
    if (!token) {
        http_respond_error(req, 500, "internal_error", NULL, "no token could be made");
        return;
    }
    log_warning("event=demo_sign_in role=%s peer=%s", caller_role_name(role), http_peer(req));
    set_cookie(a, req, role == CALLER_STAFF ? "unichat_token_staff" : "unichat_token_player", token,
               lifetime);
    http_respond_json(req, 204, NULL);
    free(token);
}

static void sign_in_by_fields(const api *a, http_request *req, fields *f)
{
    caller_role role = CALLER_PLAYER;
    const char *role_name = fields_required_text(f, "role", 16);
    const char *name = fields_required_text(f, "name", TOKEN_SUB_MAX);
    const char *password = fields_required_text(f, "password", 1024);
    if (role_name && !caller_role_parse(role_name, &role))
        fields_mistake(f, "invalid_field", "role", "role must be player or staff");
    if (name && name[strspn(name, " \t\r\n")] == '\0')
        fields_mistake(f, "invalid_field", "name", "name must not be blank");
    if (!body_is_fine(req, f))
        return;
    const char *wanted = a->conf->demo_password;
    if (!throttle_failure(a, req)) /* before the comparison, or it would not slow down guessing */
        return;
    if (text_equal_secret(password, strlen(password), wanted, strlen(wanted))) {
        throttle_return_failure(a, req);
        sign_in(a, req, role, name);
    } else {
        http_respond_error(req, 401, "invalid_password", "password", "the password is wrong");
    }
}

static void handle_demo(http_request *req, void *arg)
{
    const api *a = arg;
    fields f;
    if (!demo_is_on(a, req)) {
        http_respond_error(req, 404, "not_found", NULL, "there is no demo here");
    } else if (!http_same_origin(req)) {
        http_respond_error(req, 403, "origin_not_allowed", NULL,
                           "the request comes from a page of another origin");
    } else if (body_read(req, &f)) {
        sign_in_by_fields(a, req, &f);
        fields_free(&f);
    }
}

void session_api_routes(api *a, server *srv)
{
    http_route(srv, "GET", "/session", handle_get, a);
    http_route(srv, "POST", "/session", handle_post, a);
    http_route(srv, "DELETE", "/session", handle_delete, a);
    http_route(srv, "POST", "/session/demo", handle_demo, a);
}
