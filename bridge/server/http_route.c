/* http_route.c - which handler a request is for, and what is decided before it is asked (http.h).
 *
 * A path may fit several patterns: the one with the most fixed characters wins, whatever the order
 * in which they were added. A path that fits only by other methods is 405, with all that would do.
 * There are a few dozen routes, so they are a list that is walked.
 */
#include "server/accepted.h"
#include "server/http_request.h"

#include "base/mem.h"
#include "server/origin.h"

#include <stdlib.h>
#include <string.h>

struct http_route_entry {
    http_route_entry *next;
    char *method;
    char *pattern;
    http_handler *handler;
    void *arg;
};

void http_route(server *srv, const char *method, const char *pattern, http_handler *handler,
                void *arg)
{
    http_route_entry *r = mem_new(http_route_entry);

    r->method = mem_strdup(method);
    r->pattern = mem_strdup(pattern);
    r->handler = handler;
    r->arg = arg;
    r->next = srv->routes;
    srv->routes = r;
}

void http_routes_free(server *srv)
{
    http_route_entry *next;

    for (http_route_entry *r = srv->routes; r; r = next) {
        next = r->next;
        free(r->method);
        free(r->pattern);
        free(r);
    }
    srv->routes = NULL;
}

/*
 * How well a path fits a pattern: 0 not at all, else 1 and the number of fixed characters, so that
 * the more exact pattern wins. Both are walked by segments; a parameter takes one that is not
 * empty, or all the rest when it is the last.
 */
static size_t fit(const char *pattern, const char *path)
{
    size_t fixed = 1;

    while (*pattern == '/' && *path == '/') {
        size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");

        if (*pattern == ':') {
            if (!pattern[want])
                return *path ? fixed : 0;
            if (!have)
                return 0;
        } else {
            if (want != have || memcmp(pattern, path, want) != 0)
                return 0;
            fixed += want + 1;
        }
        pattern += want;
        path += have;
    }
    return *pattern || *path ? 0 : fixed;
}

static void read_params(http_request *req, const char *pattern)
{
    const char *path = req->path;
    int n = 0;

    while (*pattern == '/' && *path == '/' && n < HTTP_MAX_PARAMS) {
        size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");

        if (*pattern == ':') {
            req->params[n].in_pattern = pattern + 1;
            req->params[n++].value = pattern[want] ? mem_strndup(path, have) : mem_strdup(path);
        }
        pattern += want;
        path += have;
    }
}

/* The route that fits best; method NULL: whatever its method. */
static const http_route_entry *find(const http_request *req, const char *method, size_t *best)
{
    const http_route_entry *found = NULL;

    *best = 0;
    for (const http_route_entry *r = req->srv->routes; r; r = r->next) {
        size_t how = !method || strcmp(r->method, method) == 0 ? fit(r->pattern, req->path) : 0;

        if (how > *best) {
            *best = how;
            found = r;
        }
    }
    return found;
}

static void allow_header(http_request *req, size_t best)
{
    buf allow = {0};

    for (const http_route_entry *r = req->srv->routes; r; r = r->next)
        if (fit(r->pattern, req->path) == best)
            buf_printf(&allow, "%s%s%s", allow.len ? ", " : "", r->method,
                       strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
    http_set_header(req, "Allow", allow.data ? allow.data : "GET, HEAD");
    buf_free(&allow);
}

static void preflight(http_request *req, size_t best)
{
    const char *origin = pairs_get(&req->headers, "origin");

    if (origin && pairs_get(&req->headers, "access-control-request-method")) {
        if (!http_same_origin(req)) {
            http_respond_error(req, 403, "origin_not_allowed", NULL,
                               "This origin is not in allowed_origins");
            return;
        }
        http_set_header(req, "Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE");
        http_set_header(req, "Access-Control-Allow-Headers",
                        "Authorization, Content-Type, X-Requested-With");
        http_set_header(req, "Access-Control-Max-Age", "600");
    }
    allow_header(req, best);
    http_respond(req, 204, NULL, "", 0);
}

static void no_such(http_request *req, size_t best)
{
    if (best == 0) {
        http_respond_error(req, 404, "not_found", NULL, "There is nothing at this path");
    } else if (strcmp(req->method, "OPTIONS") == 0) {
        preflight(req, best);
    } else {
        allow_header(req, best);
        http_respond_error(req, 405, "method_not_allowed", NULL, "%s is not possible here",
                           req->method);
    }
}

void http_dispatch(http_request *req)
{
    bool is_head = strcmp(req->method, "HEAD") == 0;
    size_t best, best_of_any;
    const http_route_entry *any = find(req, NULL, &best_of_any);
    const http_route_entry *r = find(req, is_head ? "GET" : req->method, &best);

    if (req->srv->draining) {
        http_set_header(req, "Retry-After", "1");
        http_respond_error(req, 503, "shutting_down", NULL, "The server is restarting");
    } else if (accepted_is_surplus(req->wsi)) {
        req->close_after = true;
        http_set_header(req, "Retry-After", "1");
        http_respond_error(req, 503, "overloaded", NULL, "The server has no room now; try again");
    } else if (r && best == best_of_any) {
        read_params(req, r->pattern);
        r->handler(req, r->arg);
    } else if (any || !http_static_serve(req)) {
        no_such(req, best_of_any);
    }
}
