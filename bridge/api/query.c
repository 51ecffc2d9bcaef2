/* query.c - a statement for a request (see api.h). */
#include "api/api.h"
#include "api/respond.h"
#include "api/sql_error.h"
#include "api/throttle.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct pending {
    const api *a;
    http_request *req;
    const db_stmt *stmt;
    api_rows *rows;
} pending;

void respond_unavailable(http_request *req)
{
    http_set_header(req, "Retry-After", "1");
    http_respond_error(req, 503, "database_unavailable", NULL,
                       "the database cannot be reached now; try again");
}

static void respond_sql_error(http_request *req, const db_stmt *stmt, const db_error *error)
{
    api_error e;
    api_error_of_sql(error, &e);
    if (e.status >= 500)
        log_warning("event=statement_failed statement=%s sqlstate=%s peer=%s reason=%s", stmt->name,
                    error->sqlstate, http_peer(req), LOG_Q(error->message));
    if (e.status == 503)
        http_set_header(req, "Retry-After", "1");
    if (e.status == 429) {
        throttle_new_request(req, e.retry_after, e.message);
        return;
    }
    if (*e.owner == '\0') {
        http_respond_error(req, e.status, e.code, e.field, "%s", e.message);
        return;
    }
    http_respond_json(req, e.status,
                      json_pack("{s:{s:s, s:s, s:s}}", "error", "code", e.code, "message",
                                e.message, "owner", e.owner));
}

static void on_done(void *arg, const db_result *result)
{
    pending *p = arg;
    if (result->error)
        respond_sql_error(p->req, p->stmt, result->error);
    else
        p->rows(p->a, p->req, result->rows);
    free(p);
}

/* What waits for one row, whoever asks, is on one account: so it keeps none of those who ask from
 * their other work. */
static void account_of(const api_subject *subject, char *out, size_t size)
{
    if (subject->player)
        snprintf(out, size, "%s:%s", caller_role_name(CALLER_PLAYER), subject->player);
    else if (subject->request)
        snprintf(out, size, "request:%s", subject->request);
    else
        caller_key(subject->who, out, size);
}

void api_query(const api *a, http_request *req, const api_subject *subject, const db_stmt *stmt,
               const char *const *values, api_rows *rows)
{
    char account[LIMIT_KEY_SIZE];
    pending *p = mem_new(pending);
    *p = (pending){.a = a, .req = req, .stmt = stmt, .rows = rows};
    account_of(subject, account, sizeof(account));
    if (listener_has_begun(a->listener) && db_query_for(a->pool, account, stmt, values, on_done, p))
        return;
    free(p);
    respond_unavailable(req);
}
