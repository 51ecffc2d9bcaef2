/* listener.c - see listener.h.
 *
 * The session, each time that it is connected:
 *
 *     LISTEN ──▶ read the revocations ──▶ catch up: the snapshot N and the difference S → N, in
 *                                         pages (intake.c) ──▶ live
 *
 * LISTEN comes first, so a transaction is either seen by N, and then in the difference, or ends
 * after N was taken, and then notifies a session that listens. A notification whose xid N sees is a
 * duplicate of a row of the difference. The first session of a bridge has no S: it starts at N, and
 * its clients load their own history.
 *
 * Live, three things run beside the notifications:
 *
 * - revocations: a notification says that there is one, and nothing more. The list is read again,
 *   through the pool; when that fails, again at the next audit's time.
 *
 * - audit: every audit_interval, through the pool, the difference is read again (keys only). A row
 *   that has not been accepted is a suspect (ledger.h): its notification may be on its way, behind
 *   many others; the delivery worker has time for as long as it makes progress. One that is still a
 *   suspect after a probe that was sent later has come back is forwarded by the next audit, and
 *   counted in unichat_events_missed_total, which is 0 unless something is broken. A difference too
 *   large for the statement timeout would only grow: then the session is given up, and the next
 *   one's catch-up, by pages, moves S on. When those time out too, again and again, everything
 *   starts anew. The session is given up too when the table contradicts what was accepted
 *   (intake.c, "Crashes").
 *
 * - probe: probe.h.
 *
 * Channels are called unichat_KIND_SECRET. Only unichat_listen() knows the secret: whoever else is
 * connected to the database can neither hear nor forge what comes here.
 *
 * The session runs nothing but LISTEN, the revocations, the pages of a catch-up and the probe, each
 * at most statement_timeout long, and reads its socket whenever there is something. A server
 * process hands out notifications between statements, so it holds the server's notification queue
 * for one statement at most; and a session that is silent for longer is given up.
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

#define LISTEN_SQL "SELECT unichat_listen('{event,publish,identity,revoked,probe}'::text[])"
#define REVOCATIONS_SQL "SELECT * FROM unichat_revocations()"
#define SUSPECT_MIN_AGE_MS 2000
#define AUDIT_TIMEOUTS_MAX 3     /* in a row */
#define CATCH_UP_TIMEOUTS_MAX 10 /* in a row */
#define ANSWER_SLACK_MS 5000     /* beyond a timeout, the server itself must have answered */

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
    uv_timer_t step_timer; /* until live: the session is silent */

    bool revocations_stale; /* there are others than were read */
    bool rereading;         /* them, through the pool */

    uv_timer_t audit_timer;
    bool auditing;
    uint64_t session; /* counts sessions: an audit that began in another one is void */
    uint64_t audit_session;
    unsigned audit_timeouts; /* in a row */
    unsigned catch_up_timeouts;

    bool closing;
    int open_handles;
    void (*closed)(void *arg);
    void *closed_arg;

    metric *sessions;
};

/* ---- the steps of a session ---- */

static void on_silence(uv_timer_t *timer)
{
    listener *l = timer->data;
    pg_conn_fail(l->conn, "no answer in time");
}

/* Until it is live and probed, a session that says nothing for so long is given up: it may be alive
 * to the kernel and to nobody else. */
static void expect_answer(listener *l)
{
    uint64_t limit = (uint64_t)l->conf->statement_timeout + ANSWER_SLACK_MS;
    uv_timer_start(&l->step_timer, on_silence, limit, 0);
}

static void begin_step(listener *l, listen_state state)
{
    l->state = state;
    expect_answer(l);
}

static void send_query(listener *l, listen_state state, const char *sql)
{
    begin_step(l, state);
    if (PQsendQuery(pg_conn_raw(l->conn), sql))
        pg_conn_flush(l->conn);
    else
        pg_conn_fail(l->conn, PQerrorMessage(pg_conn_raw(l->conn)));
}

static void take_revocations(listener *l, PGresult *rows)
{
    for (int i = 0; i < PQntuples(rows); i++)
        l->events->revoked(l->arg, PQgetvalue(rows, i, 0));
    l->events->revoked_all(l->arg);
}

static void send_catch_up(listener *l)
{
    PGconn *pg = pg_conn_raw(l->conn);
    const char *values[4];
    intake_catch_up_values(l->intake, values);
    begin_step(l, LISTEN_CATCHING_UP);
    if (PQsendQueryParams(pg, intake_catch_up_sql, 4, NULL, values, NULL, NULL, 0) &&
        PQsetSingleRowMode(pg))
        pg_conn_flush(l->conn);
    else
        pg_conn_fail(l->conn, PQerrorMessage(pg));
}

static void take_row(listener *l, PGresult *row)
{
    if (!intake_caught_up(l->intake, row))
        pg_conn_fail(l->conn, "the catch-up cannot be read, or is of two databases");
}

static void finish_catch_up(listener *l)
{
    if (!intake_live(l->intake)) {
        pg_conn_fail(l->conn, "the catch-up had no answer");
        return;
    }
    l->state = LISTEN_LIVE;
    l->catch_up_timeouts = 0;
    uv_timer_stop(&l->step_timer);
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
    } else if (res->error) {
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
        send_query(l, LISTEN_READING_REVOCATIONS, REVOCATIONS_SQL);
    else if (l->state == LISTEN_READING_REVOCATIONS ||
             (l->state == LISTEN_CATCHING_UP && intake_page_is_full(l->intake)))
        send_catch_up(l);
    else if (l->state == LISTEN_CATCHING_UP)
        finish_catch_up(l);
}

static void take_error(listener *l, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    bool timeout = state && strcmp(state, "57014") == 0;
    if (l->state == LISTEN_CATCHING_UP && timeout &&
        ++l->catch_up_timeouts % CATCH_UP_TIMEOUTS_MAX == 0)
        intake_cannot_catch_up(l->intake);
    pg_conn_fail(l->conn, PQresultErrorMessage(res));
}

static void take_results(listener *l)
{
    PGconn *pg = pg_conn_raw(l->conn);
    while (pg_conn_is_ready(l->conn) && !PQisBusy(pg)) {
        PGresult *res = PQgetResult(pg);
        if (!res) {
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
            take_error(l, res);
        else if (l->state == LISTEN_READING_REVOCATIONS)
            take_revocations(l, res);
        PQclear(res);
    }
}

static bool is_of_kind(const PGnotify *n, const char *prefix)
{
    return strncmp(n->relname, prefix, strlen(prefix)) == 0;
}

static void take_notification(listener *l, const PGnotify *n)
{
    probe_hears(l->probe);
    if (is_of_kind(n, "unichat_event_"))
        intake_notified(l->intake, n->extra);
    else if (is_of_kind(n, "unichat_publish_"))
        l->events->publication(l->arg, n->extra);
    else if (is_of_kind(n, "unichat_identity_"))
        l->events->identity(l->arg, n->extra);
    else if (is_of_kind(n, "unichat_revoked_"))
        l->revocations_stale = true;
    else if (is_of_kind(n, "unichat_probe_"))
        probe_came(l->probe, n->extra);
}

static void take_notifications(listener *l)
{
    PGnotify *n;
    while ((n = PQnotifies(pg_conn_raw(l->conn)))) {
        take_notification(l, n);
        PQfreemem(n);
    }
}

static void end_if_given_up(listener *l)
{
    const char *why = intake_gives_up(l->intake);
    if (why)
        pg_conn_fail(l->conn, why);
}

/* Notifications first: those that came before the last row of a catch-up belong before it. Taking
 * them reads past the end of a statement, when that has come by itself; then the session is idle
 * already, and yet the next step is due. Once it is live, most input is notifications alone. */
static void on_input(void *arg)
{
    listener *l = arg;
    if (l->state != LISTEN_LIVE)
        expect_answer(l);
    take_notifications(l);
    if (l->state != LISTEN_LIVE || PQtransactionStatus(pg_conn_raw(l->conn)) != PQTRANS_IDLE) {
        take_results(l);
        if (pg_conn_is_ready(l->conn))
            take_notifications(l);
    }
    end_if_given_up(l);
    reread_revocations(l);
}

static void on_ready(void *arg)
{
    listener *l = arg;
    l->session++;
    metric_add(l->sessions, 1);
    send_query(l, LISTEN_SUBSCRIBING, LISTEN_SQL);
}

static void on_lost(void *arg, const char *why)
{
    listener *l = arg;
    (void)why;
    l->state = LISTEN_AWAY;
    uv_timer_stop(&l->step_timer);
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

static void audit_failed(listener *l, const db_error *error)
{
    log_warning_as(pg_conn_who(l->conn), "event=audit_failed reason=%s", LOG_Q(error->message));
    l->audit_timeouts = db_error_is_timeout(error) ? l->audit_timeouts + 1 : 0;
    if (l->audit_timeouts == AUDIT_TIMEOUTS_MAX) {
        l->audit_timeouts = 0;
        pg_conn_fail(l->conn, "the audit takes too long, so what is new is caught up with");
    }
}

static void take_audit(listener *l, PGresult *rows)
{
    l->audit_timeouts = 0;
    if (intake_audited(l->intake, rows, missed_since(l)))
        probe_now(l->probe);
    end_if_given_up(l);
}

static void on_audited(void *arg, const db_result *res)
{
    listener *l = arg;
    l->auditing = false;
    if (l->closing)
        free_when_done(l);
    else if (l->state != LISTEN_LIVE || l->audit_session != l->session)
        return;
    else if (res->error)
        audit_failed(l, res->error);
    else
        take_audit(l, res->rows);
}

static void on_audit_time(uv_timer_t *timer)
{
    listener *l = timer->data;
    uv_timer_start(timer, on_audit_time, (uint64_t)l->conf->audit_interval, 0);
    reread_revocations(l);
    if (l->auditing || l->state != LISTEN_LIVE)
        return;
    const char *values[2];
    intake_audit_values(l->intake, values);
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
    uv_timer_init(loop, &l->step_timer);
    l->step_timer.data = l;
    uv_timer_init(loop, &l->audit_timer);
    l->audit_timer.data = l;
    uv_timer_start(&l->audit_timer, on_audit_time, (uint64_t)conf->audit_interval, 0);
    l->conn = pg_conn_new(loop, conf, "listener", conf->statement_timeout, &conn_events, l);
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
    if (closed)
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
    l->open_handles = 4;
    uv_close((uv_handle_t *)&l->step_timer, on_timer_closed);
    uv_close((uv_handle_t *)&l->audit_timer, on_timer_closed);
    probe_close(l->probe, on_part_closed, l);
    pg_conn_close(l->conn, on_part_closed, l);
}
