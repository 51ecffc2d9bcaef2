/* session.c - see session.h.
 *
 * The extension may live in any schema, so the first statement looks it up and makes it the
 * search_path; the bridge's other statements name its functions without a schema. What can be set
 * per session is set by that statement and not by start-up options, which connection poolers drop
 * or refuse.
 *
 * So the first statement runs under a search_path that is not ours, and in a schema of which
 * strangers may create what they like. It names the schema of everything, operators included: where
 * it does not, the best match for the types wins, whosever it is. What it finds is what belongs to
 * the extension, not what is called the same. From then on pg_catalog comes first and the
 * extension's schema second; the other statements give the types of all arguments and leave none to
 * its default, so that there is no better match either.
 *
 * Plans: each statement of the bridge is a handful of index lookups. How many events are newer than
 * a snapshot, the planner can only guess, and after a bulk load or on young statistics it guesses
 * so many that it would read whole tables, every few seconds. So plans that read whole tables are
 * switched off for these sessions.
 */
#include "db/session.h"
#include "base/log.h"
#include "base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The latest of the extension's functions that the bridge calls. An extension without it is older
 * than the bridge; a role that may not call it is not in unichat_bridge. */
#define LATEST_FUNCTION "unichat_listen"

#define EQ " OPERATOR(pg_catalog.=) "

static const char setup_sql[] =
    "SELECT n.nspname, pg_catalog.current_setting('server_version'), e.extversion,"
    " (SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
    "     AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')"
    "  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON p.oid" EQ "d.objid"
    "  WHERE d.refclassid" EQ "'pg_catalog.pg_extension'::pg_catalog.regclass"
    "   AND d.refobjid" EQ "e.oid AND d.deptype" EQ "'e'"
    "   AND d.classid" EQ "'pg_catalog.pg_proc'::pg_catalog.regclass"
    "   AND p.proname" EQ "'" LATEST_FUNCTION "'),"
    " pg_catalog.set_config('search_path', pg_catalog.format('%I, pg_temp', n.nspname), false),"
    " pg_catalog.set_config('statement_timeout', $2, false),"
    " pg_catalog.set_config('unichat.new_requests_per_minute', $3, false),"
    " pg_catalog.set_config('client_encoding', 'UTF8', false),"
    " pg_catalog.set_config('TimeZone', 'UTC', false),"
    " pg_catalog.set_config('DateStyle', 'ISO', false),"
    " pg_catalog.set_config('enable_seqscan', 'off', false),"
    " pg_catalog.set_config('enable_hashjoin', 'off', false),"
    " pg_catalog.set_config('enable_mergejoin', 'off', false),"
    " pg_catalog.set_config('jit', 'off', false)"
    " FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid" EQ "e.extnamespace"
    " WHERE e.extname" EQ "'unichat' AND ($1" EQ "'' OR n.nspname" EQ "$1)";

static void log_notice(void *arg, const char *message)
{
    (void)arg;
    log_debug("event=database_notice text=%s", LOG_Q(message));
}

PGconn *session_connect_start(const config *conf, const host_order *order,
                              const char *application_name)
{
    char user_timeout[24];
    snprintf(user_timeout, sizeof(user_timeout), "%lld", (long long)conf->tcp_user_timeout);
    const char *attrs = getenv("PGTARGETSESSIONATTRS");
    /* A later keyword wins over an earlier one, and one without a value is as if not there;
     * `database` stands between what it may and may not change. */
    const char *const options[][2] = {
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", user_timeout},
        {"target_session_attrs", attrs ? attrs : "read-write"},
        {"dbname", conf->database},
        {"host", order->host},
        {"hostaddr", order->hostaddr},
        {"port", order->port},
        {"fallback_application_name", application_name},
        {"client_encoding", "UTF8"},
    };
    enum { COUNT = sizeof(options) / sizeof(options[0]) };
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
    snprintf(timeout, sizeof(timeout), "%lld", (long long)statement_timeout_ms);
    snprintf(new_requests, sizeof(new_requests), "%lld", (long long)conf->player_new_requests);
    const char *values[] = {conf->schema, timeout, new_requests};
    static const Oid text_oid = 25;
    const Oid types[] = {text_oid, text_oid, text_oid};
    *info = (session_info){0};
    return PQsendQueryParams(pg, setup_sql, 3, types, values, NULL, NULL, 0) == 1;
}

enum { COL_SCHEMA, COL_SERVER_VERSION, COL_EXTENSION_VERSION, COL_MAY };

static void judge(PGconn *pg, PGresult *res, session_info *info)
{
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        snprintf(info->problem, sizeof(info->problem), "%s", PQresultErrorMessage(res));
        return;
    }
    if (PQntuples(res) == 0) {
        snprintf(info->problem, sizeof(info->problem),
                 "the extension unichat is not installed in this database (or not in the schema "
                 "that the setting says): CREATE EXTENSION unichat");
        return;
    }
    if (PQgetisnull(res, 0, COL_MAY)) {
        snprintf(info->problem, sizeof(info->problem),
                 "the extension in this database (%.20s) has no " LATEST_FUNCTION
                 "(), so it is older than this bridge (" UNICHAT_VERSION
                 "): install the files that came with it, then ALTER EXTENSION unichat UPDATE",
                 PQgetvalue(res, 0, COL_EXTENSION_VERSION));
        return;
    }
    if (*PQgetvalue(res, 0, COL_MAY) != 't') {
        snprintf(info->problem, sizeof(info->problem),
                 "the role may not do what the bridge does: GRANT unichat_bridge TO \"%s\"",
                 PQuser(pg));
        return;
    }
    const char *server_version = PQgetvalue(res, 0, COL_SERVER_VERSION);
    snprintf(info->schema, sizeof(info->schema), "%s", PQgetvalue(res, 0, COL_SCHEMA));
    snprintf(info->server_version, sizeof(info->server_version), "%.*s",
             (int)strcspn(server_version, " "), server_version);
}

bool session_read_setup(PGconn *pg, session_info *info)
{
    while (!PQisBusy(pg)) {
        PGresult *res = PQgetResult(pg);
        if (!res)
            return true;
        judge(pg, res, info);
        PQclear(res);
    }
    return false;
}

/* The minor release in which two bugs of LISTEN/NOTIFY are fixed, for that major one. */
static int fixed_in(int version)
{
    static const int fixed[] = {150016, 160012, 170008, 180002};
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (version / 10000 == fixed[i] / 10000)
            return fixed[i];
    return version < fixed[0] ? INT_MAX : 0;
}

bool session_version_is_safe(int version)
{
    return version >= fixed_in(version);
}

void session_warn_about_version(PGconn *pg, const char *who)
{
    static int warned;
    int version = PQserverVersion(pg);
    if (session_version_is_safe(version) || version == warned)
        return;
    warned = version;
    log_warning_as(who, "event=database_version_old version=%d hint=%s", version,
                   LOG_Q("notifications can be lost before PostgreSQL 15.16, 16.12, 17.8 and 18.2: "
                         "update the server"));
}
