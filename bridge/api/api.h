/* api.h - what the HTTP handlers share, and the routes of each group. docs/http.md is the contract.
 *
 * A handler begins with api_caller() (or api_staff()), reads its fields, sends one statement with
 * api_query(), and answers when that is done. Each of these answers the request itself when it
 * fails; the handler just returns.
 */
#ifndef UNICHAT_API_H
#define UNICHAT_API_H

#include "config/config.h"
#include "db/listener.h"
#include "db/pool.h"
#include "hub/hub.h"
#include "identity/caller.h"
#include "identity/token.h"
#include "server/http.h"
#include "server/server.h"

typedef struct api {
    const config *conf;
    verifier verifier; /* its keys are replaced by a reload */
    db_pool *pool;
    listener *listener;
    hub *hub;
    hub_app *app;
    bool draining;
} api;

void chat_api_routes(api *a, server *srv);
void session_api_routes(api *a, server *srv);
void pusher_auth_api_routes(api *a, server *srv);
void ops_api_routes(api *a, server *srv);

/* ---- who is calling (auth.c) ---- */

/* The verified caller, whom the handler frees; or NULL after 401, 403 or 429 was answered. A
 * request that changes something and comes with a cookie must come from an own or allowed origin.
 */
caller *api_caller(const api *a, http_request *req) __attribute__((warn_unused_result));

/* The same, and staff. */
caller *api_staff(const api *a, http_request *req) __attribute__((warn_unused_result));

/* The token of the request, or NULL; it lives as long as the request. *by_cookie: whether it is, or
 * would be, a cookie's. */
const char *api_token(http_request *req, bool *by_cookie);

/* ---- statements (query.c) ---- */

/* Answers from the rows of a statement that has succeeded. */
typedef void api_rows(const api *a, http_request *req, PGresult *rows);

/* Who asks, and whose row the statement may have to wait for: a player's, or that of the request
 * with this id; or neither. */
typedef struct api_subject {
    const caller *who;
    const char *player;
    const char *request;
} api_subject;

/* Runs a statement and has `rows` answer; errors are answered by the table of sql_error.c. The
 * values are copied. It is on the account of its subject (db/pool.h). */
void api_query(const api *a, http_request *req, const api_subject *subject, const db_stmt *stmt,
               const char *const *values, api_rows *rows);

#endif
