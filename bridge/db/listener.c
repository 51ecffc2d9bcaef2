/* listener.c - see listener.h.
 *
 * The session, each time that it is connected:
 *
 *     LISTEN ──▶ read the revocations ──▶ catch up: one query takes the snapshot N and the
 *                                         difference S → N ──▶ live
 *
 * LISTEN comes first, so a transaction is either seen by N, and then in the difference, or ends
 * after N was taken, and then notifies a session that listens. A notification whose xid N sees is a
 * duplicate of a row of the difference. The first session of a bridge has no S: it starts at N, and
 * its clients load their own history.
 *
 * Live, three things run beside the notifications:
 *
 * - revocations: a notification says that there is one, and nothing more, for anybody may notify.
 *   The list is read again, through the pool; when that fails, again at the next audit's time.
 *
 * - audit: every audit_interval, through the pool, the difference is read again (keys only). A row
 *   that has not been accepted is a suspect (ledger.h): its notification may be on its way, behind
 *   many others. One that is still a suspect after a probe that was sent later has come back is
 *   forwarded by the next audit, and counted in unichat_events_missed_total, which is 0 unless
 *   something is broken.
 *
 * - probe: probe.h.
 *
 * The session runs nothing but LISTEN, the catch-up and the probe, and reads its socket whenever
 * there is something, so it never holds the server's notification queue.
 */
#include "db/listener.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "db/intake.h"
#include "db/pg_conn.h"
#include "db/probe.h"

#include <stdlib.h>
#include <string.h>

#define PUBLISH_CHANNEL "unichat_publish"
#define IDENTITY_CHANNEL "unichat_identity"
#define REVOKED_CHANNEL "unichat_revoked"
#define REVOCATIONS_SQL "SELECT * FROM unichat_revocations()"
#define SUSPECT_MIN_AGE_MS 2000
#define CATCH_UP_TIMEOUT_MS 600000 /* after a long absence it may be much */

static const db_stmt revocations_stmt = {"revocations", REVOCATIONS_SQL, 0};

typedef enum listen_state {
    LISTEN_AWAY,
    LISTEN_SUBSCRIBING,
    LISTEN_READING_REVOCATIONS,
    LISTEN_CATCHING_UP,
    LISTEN_LIVE,
} listen_state;

struct listener {
    const config *conf;
    db_pool *pool;
    const listener_events *events;
    void *arg;
    pg_conn *conn;
    intake *intake;
    probe *probe;
    listen_state state;

    bool revocations_stale; /* there are others than were read */
    bool rereading;         /* them, through the pool */

    uv_timer_t audit_timer;
    bool auditing;
    uint64_t session; /* counts sessions: an audit that began in another one is void */
    uint64_t audit_session;

    bool closing;
    int open_handles;
    void (*closed)(void *arg);
    void *closed_arg;

    metric *sessions;
};

/* ---- the steps of a session ---- */

static void send_listen(listener *l)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "LISTEN unichat; LISTEN " PUBLISH_CHANNEL "; LISTEN " IDENTITY_CHANNEL
             "; LISTEN " REVOKED_CHANNEL "; LISTEN %s",
             probe_channel(l->probe));
    l->state = LISTEN_SUBSCRIBING;
    if (PQsendQuery(pg_conn_raw(l->conn), sql))
        pg_conn_flush(l->conn);
    else
        pg_conn_fail(l->conn, PQerrorMessage(pg_conn_raw(l->conn)));
}

static void send_read_revocations(listener *l)
{
    l->state = LISTEN_READING_REVOCATIONS;
    if (PQsendQuery(pg_conn_raw(l->conn), REVOCATIONS_SQL))
        pg_conn_flush(l->conn);
    else
        pg_conn_fail(l->conn, PQerrorMessage(pg_conn_raw(l->conn)));
}

static void take_revocations(listener *l, PGresult *rows)
{
    for (int i = 0; i < PQntuples(rows); i++)
        l->events->revoked(l->arg, PQgetvalue(rows, i, 0));
}

static void send_catch_up(listener *l)
{
    PGconn *pg = pg_conn_raw(l->conn);
    const char *values[] = {intake_snapshot(l->intake)};
    l->state = LISTEN_CATCHING_UP;
    if (PQsendQueryParams(pg, intake_catch_up_sql, 1, NULL, values, NULL, NULL, 0) &&
        PQsetSingleRowMode(pg))
        pg_conn_flush(l->conn);
    else
        pg_conn_fail(l->conn, PQerrorMessage(pg));
}

static void take_row(listener *l, PGresult *row)
{
    if (!intake_caught_up(l->intake, row))
        pg_conn_fail(l->conn, "the server's snapshot cannot be read");
}

static void finish_catch_up(listener *l)
{
    if (!intake_live(l->intake)) {
        pg_conn_fail(l->conn, "the catch-up had no answer");
        return;
    }
    l->state = LISTEN_LIVE;
    pg_conn_healthy(l->conn);
    probe_begin(l->probe);
}

/* ---- revocations, while live ---- */

static void free_when_done(listener *l);
static void on_reread(void *arg, const db_result *res);

static void reread_revocations(listener *l)
{
    if (l->revocations_stale && !l->rereading) {
        l->rereading = db_query(l->pool, &revocations_stmt, NULL, on_reread, l);
        l->revocations_stale = !l->rereading;
    }
}

static void on_reread(void *arg, const db_result *res)
{
    listener *l = arg;
    l->rereading = false;
    if (l->closing) {
        free_when_done(l);
    } else if (res->error != NULL) {
        l->revocations_stale = true;
        log_warning_as(pg_conn_who(l->conn), "event=revocations_unread reason=%s",
                       LOG_Q(res->error->message));
    } else {
        take_revocations(l, res->rows);
        reread_revocations(l);
    }
}

/* ---- input ---- */

/* A statement is over; what comes next. */
static void next_step(listener *l)
{
    if (l->state == LISTEN_SUBSCRIBING)
        send_read_revocations(l);
    else if (l->state == LISTEN_READING_REVOCATIONS)
        send_catch_up(l);
    else if (l->state == LISTEN_CATCHING_UP)
        finish_catch_up(l);
}

static void take_results(listener *l)
{
    PGconn *pg = pg_conn_raw(l->conn);
    while (pg_conn_is_ready(l->conn) && !PQisBusy(pg)) {
        PGresult *res = PQgetResult(pg);
        if (res == NULL) {
            listen_state before = l->state;
            next_step(l);
            if (before == l->state)
                return;
            continue;
        }
        ExecStatusType status = PQresultStatus(res);
        if (status == PGRES_SINGLE_TUPLE)
            take_row(l, res);
        else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
            pg_conn_fail(l->conn, PQresultErrorMessage(res));
        else if (l->state == LISTEN_READING_REVOCATIONS)
            take_revocations(l, res);
        PQclear(res);
    }
}

static void take_notification(listener *l, const PGnotify *n)
{
    if (strcmp(n->relname, PUBLISH_CHANNEL) == 0)
        l->events->publication(l->arg, n->extra);
    else if (strcmp(n->relname, IDENTITY_CHANNEL) == 0)
        l->events->identity(l->arg, n->extra);
    else if (strcmp(n->relname, REVOKED_CHANNEL) == 0)
        l->revocations_stale = true;
    else
        intake_notified(l->intake, n->extra);
}

static void take_notifications(listener *l)
{
    PGnotify *n;
    while ((n = PQnotifies(pg_conn_raw(l->conn))) != NULL) {
        if (!probe_hears(l->probe, n->relname))
            take_notification(l, n);
        PQfreemem(n);
    }
}

/* Notifications first: those that came before the last row of a catch-up belong before it. */
static void on_input(void *arg)
{
    listener *l = arg;
    take_notifications(l);
    take_results(l);
    if (pg_conn_is_ready(l->conn))
        take_notifications(l);
    reread_revocations(l);
}

static void on_ready(void *arg)
{
    listener *l = arg;
    l->session++;
    metric_add(l->sessions, 1);
    send_listen(l);
}

static void on_lost(void *arg, const char *why)
{
    listener *l = arg;
    (void)why;
    l->state = LISTEN_AWAY;
    probe_end(l->probe);
    intake_lost(l->intake);
}

static const pg_conn_events conn_events = {on_ready, on_input, on_lost};

/* ---- audit ---- */

/* Notifications come in the order of the queue. So once a probe is back, whatever was visible
 * before it was sent has been notified too, or never will be; the notifier may need a moment
 * besides. */
static uint64_t missed_since(const listener *l)
{
    uint64_t now = clock_monotonic_ms();
    uint64_t patient = now > SUSPECT_MIN_AGE_MS ? now - SUSPECT_MIN_AGE_MS : 0;
    uint64_t heard = probe_back_ms(l->probe);
    return patient < heard ? patient : heard;
}

static void on_audited(void *arg, const db_result *res)
{
    listener *l = arg;
    l->auditing = false;
    if (l->closing)
        free_when_done(l);
    else if (res->error != NULL)
        log_warning_as(pg_conn_who(l->conn), "event=audit_failed reason=%s",
                       LOG_Q(res->error->message));
    else if (l->state == LISTEN_LIVE && l->audit_session == l->session &&
             intake_audited(l->intake, res->rows, missed_since(l)))
        probe_now(l->probe);
}

static void on_audit_time(uv_timer_t *timer)
{
    listener *l = timer->data;
    uv_timer_start(timer, on_audit_time, (uint64_t)l->conf->audit_interval, 0);
    reread_revocations(l);
    if (l->auditing || l->state != LISTEN_LIVE)
        return;
    const char *values[] = {intake_snapshot(l->intake)};
    l->audit_session = l->session;
    l->auditing = db_query(l->pool, &intake_audit_stmt, values, on_audited, l);
}

/* ---- life ---- */

static double read_live(void *arg)
{
    return listener_is_live(arg);
}

listener *listener_new(uv_loop_t *loop, const config *conf, db_pool *pool,
                       const listener_events *events, void *arg)
{
    listener *l = mem_new(listener);
    l->conf = conf;
    l->pool = pool;
    l->events = events;
    l->arg = arg;
    l->sessions = metric_counter("unichat_listen_sessions_total", NULL,
                                 "Listening sessions since the start.");
    metric_gauge_read("unichat_listening", NULL, "1 while the listening session is live.",
                      read_live, l);
    uv_timer_init(loop, &l->audit_timer);
    l->audit_timer.data = l;
    uv_timer_start(&l->audit_timer, on_audit_time, (uint64_t)conf->audit_interval, 0);
    l->conn = pg_conn_new(loop, conf, "listener", CATCH_UP_TIMEOUT_MS, &conn_events, l);
    l->intake = intake_new(loop, pool, pg_conn_who(l->conn), events, arg);
    l->probe = probe_new(loop, conf, l->conn);
    pg_conn_start(l->conn);
    return l;
}

bool listener_has_begun(const listener *l)
{
    return intake_snapshot(l->intake) != NULL;
}

bool listener_is_live(const listener *l)
{
    return l->state == LISTEN_LIVE;
}

static void free_when_done(listener *l)
{
    if (l->open_handles > 0 || l->auditing || l->rereading)
        return;
    void (*closed)(void *) = l->closed;
    void *arg = l->closed_arg;
    intake_free(l->intake);
    free(l);
    if (closed != NULL)
        closed(arg);
}

static void on_part_closed(void *arg)
{
    listener *l = arg;
    l->open_handles--;
    free_when_done(l);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

void listener_close(listener *l, void (*closed)(void *arg), void *arg)
{
    l->closing = true;
    l->state = LISTEN_AWAY;
    l->closed = closed;
    l->closed_arg = arg;
    l->open_handles = 3;
    uv_close((uv_handle_t *)&l->audit_timer, on_timer_closed);
    probe_close(l->probe, on_part_closed, l);
    pg_conn_close(l->conn, on_part_closed, l);
}
