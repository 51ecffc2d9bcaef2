/* session.c - see session.h.
 *
 * The extension may live in any schema, so the first statement looks it up and makes it the
 * search_path; the bridge's other statements name its functions without a schema. What can be set
 * per session is set by that statement and not by start-up options, which connection poolers drop.
 *
 * Plans: each statement of the bridge is a handful of index lookups. How many events are newer than
 * a snapshot, the planner can only guess, and after a bulk load or on young statistics it guesses
 * so many that it would read whole tables, every few seconds. So plans that read whole tables are
 * switched off for these sessions.
 */
#include "db/session.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_SERVER_VERSION 150016 /* two bugs of LISTEN/NOTIFY are fixed there */

static const char setup_sql[] =
    "SELECT n.nspname, current_setting('server_version'),"
    " set_config('search_path', quote_ident(n.nspname) || ', pg_temp', false),"
    " set_config('statement_timeout', $2, false),"
    " set_config('unichat.new_requests_per_minute', $3, false),"
    " set_config('client_encoding', 'UTF8', false),"
    " set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),"
    " set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),"
    " set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false)"
    " FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
    " WHERE e.extname = 'unichat' AND ($1 = '' OR n.nspname = $1)";

static void log_notice(void *arg, const char *message)
{
    (void)arg;
    log_debug("event=database_notice text=%s", LOG_Q(message));
}

PGconn *session_connect_start(const config *conf, const host_order *order,
                              const char *application_name)
{
    char user_timeout[24];
    snprintf(user_timeout, sizeof user_timeout, "%lld", (long long)conf->tcp_user_timeout);
    const char *attrs = getenv("PGTARGETSESSIONATTRS");
    /* A later keyword wins over an earlier one, and one without a value is as if not there;
     * `database` stands between what it may and may not change. */
    const char *const options[][2] = {
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", user_timeout},
        {"target_session_attrs", attrs != NULL ? attrs : "read-write"},
        {"dbname", conf->database},
        {"host", order->host},
        {"hostaddr", order->hostaddr},
        {"port", order->port},
        {"fallback_application_name", application_name},
        {"client_encoding", "UTF8"},
    };
    enum { COUNT = sizeof options / sizeof options[0] };
    const char *keywords[COUNT + 1] = {0}, *values[COUNT + 1] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        keywords[i] = options[i][0];
        values[i] = options[i][1];
    }
    PGconn *pg = PQconnectStartParams(keywords, values, 1);
    PQsetNoticeProcessor(pg, log_notice, NULL);
    return pg;
}

bool session_send_setup(PGconn *pg, const config *conf, int64_t statement_timeout_ms,
                        session_info *info)
{
    char timeout[24], new_requests[24];
    snprintf(timeout, sizeof timeout, "%lld", (long long)statement_timeout_ms);
    snprintf(new_requests, sizeof new_requests, "%lld", (long long)conf->player_new_requests);
    const char *values[] = {conf->schema, timeout, new_requests};
    static const Oid text_oid = 25;
    const Oid types[] = {text_oid, text_oid, text_oid};
    *info = (session_info){0};
    return PQsendQueryParams(pg, setup_sql, 3, types, values, NULL, NULL, 0) == 1;
}

static void judge(PGresult *res, session_info *info)
{
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        snprintf(info->problem, sizeof info->problem, "%s", PQresultErrorMessage(res));
        return;
    }
    if (PQntuples(res) == 0) {
        snprintf(info->problem, sizeof info->problem,
                 "the extension unichat is not installed in this database (or not in the schema "
                 "that the "
                 "setting says): CREATE EXTENSION unichat");
        return;
    }
    snprintf(info->schema, sizeof info->schema, "%s", PQgetvalue(res, 0, 0));
    snprintf(info->server_version, sizeof info->server_version, "%.*s",
             (int)strcspn(PQgetvalue(res, 0, 1), " "), PQgetvalue(res, 0, 1));
}

bool session_read_setup(PGconn *pg, session_info *info)
{
    while (!PQisBusy(pg)) {
        PGresult *res = PQgetResult(pg);
        if (res == NULL)
            return true;
        judge(res, info);
        PQclear(res);
    }
    return false;
}

void session_warn_about_version(PGconn *pg, const char *who)
{
    static int warned;
    int version = PQserverVersion(pg);
    if (version >= MIN_SERVER_VERSION || version == warned)
        return;
    warned = version;
    log_warning_as(
        who, "event=database_version_old version=%d hint=%s", version,
        LOG_Q("notifications can be lost in PostgreSQL before 15.16: update the server"));
}
