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
 * - audit: every audit_interval, through the pool, the difference is read again (keys only). A row
 *   that has not been accepted is a suspect (ledger.h): its notification may be on its way, behind
 *   many others. One that is still a suspect after a probe that was sent later has come back is
 *   forwarded by the next audit, and counted in unichat_events_missed_total, which is 0 unless
 * something is broken.
 *
 * - probe: every probe_interval the session notifies itself on a channel of its own. If that does
 *   not come back, the session looks alive and is not (a half-open connection, a pooler in
 *   transaction mode), and is replaced.
 *
 * - epoch: each catch-up reads the database's identity. When it has changed, or the xids have gone
 *   back behind an event, S means nothing there: the ledger starts anew and the clients are told to
 *   resync.
 *
 * Crashes. A transaction that ended without leaving anything on disk (it was rolled back, say) may
 * be unknown after a crash, and its xid is given out once more:
 *
 *     server                                     bridge
 *     xid 98 rolls back, not yet on disk
 *                                                takes S = 99:99: — 98 has ended
 *     crash, recovery: the next xid is 98
 *     xid 98 commits an event
 *                                                difference of S: xid >= 99. 98 is never found
 *
 * Events that S sees are on disk, so their xids are not given out again. So every S is lowered to
 * end right behind the highest xid of an event that it sees: of events it sees the same, and of the
 * rest nothing. Then 98 is in the difference.
 *
 * The session runs nothing but LISTEN, the catch-up and the probe, and reads its socket whenever
 * there is something, so it never holds the server's notification queue.
 */
#include "db/listener.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/rand.h"
#include "base/text.h"
#include "db/ledger.h"
#include "db/pg_conn.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define PUBLISH_CHANNEL "unichat_publish"
#define IDENTITY_CHANNEL "unichat_identity"
#define SUSPECT_MIN_AGE_MS 2000
#define CATCH_UP_TIMEOUT_MS 600000 /* after a long absence it may be much */

typedef enum listen_state {
    LISTEN_AWAY,
    LISTEN_SUBSCRIBING,
    LISTEN_READING_REVOCATIONS,
    LISTEN_CATCHING_UP,
    LISTEN_LIVE,
} listen_state;

/* A notification that came before the catch-up was over. */
typedef struct early {
    db_event event;
    struct early *prev, *next;
} early;

struct listener {
    const config *conf;
    db_pool *pool;
    const listener_events *events;
    void *arg;
    pg_conn *conn;
    event_queue *queue;
    ledger *ledger;
    listen_state state;
    snapshot *caught_up_to; /* N, while catching up */
    bool time_went_back;
    uint64_t caught_up_rows;
    char *epoch;
    bool position_due; /* S is new, and not everything that it sees has been handed on */
    early *early;

    uv_timer_t audit_timer;
    bool auditing;
    uint64_t session; /* counts sessions: an audit that began in another one is void */
    uint64_t audit_session;

    uv_timer_t probe_timer;
    char probe_channel[32];
    bool probing;
    bool heard; /* anything, since the probe was looked at */
    uint64_t probe_sent_ms;
    uint64_t probe_back_ms; /* when the last one that came back was sent */

    bool closing;
    int open_handles;
    void (*closed)(void *arg);
    void *closed_arg;

    metric *notified, *caught_up, *missed, *duplicates, *unreadable, *sessions, *probe_failures;
};

/* The highest xid of an event; with a snapshot of the same statement, of those that it sees. */
#define NEWEST_XID "(SELECT xid FROM chat_events ORDER BY xid DESC LIMIT 1)"

/* unichat_events_since() promises its order, and a join to one row keeps it. */
static const char catch_up_sql[] =
    "SELECT pg_current_snapshot()::text, unichat_epoch(), " NEWEST_XID ","
    " e.player_id, e.payload::text"
    " FROM (SELECT 1) AS one LEFT JOIN"
    " unichat_events_since(coalesce($1::text::pg_snapshot, pg_current_snapshot())) AS e ON true";
enum { COL_SNAPSHOT, COL_EPOCH, COL_NEWEST, COL_PLAYER, COL_PAYLOAD };

static const db_stmt audit_stmt = {
    "audit",
    "SELECT pg_current_snapshot()::text AS snapshot, " NEWEST_XID " AS newest, e.player_id, e.seq"
    " FROM (SELECT 1) AS one LEFT JOIN chat_events AS e"
    " ON e.xid >= pg_snapshot_xmax($1::text::pg_snapshot)"
    " OR e.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))"
    " ORDER BY e.player_id, e.seq",
    1};

/* ---- events ---- */

static void accept_event(listener *l, db_event *e)
{
    if (!e->ref) {
        event_queue_push(l->queue, e);
        return;
    }
    event_queue_push_ref(l->queue, e->player_id, e->seq);
    db_event_clear(e);
}

/* S becomes the clients' position as soon as nothing that it sees is still on its way. */
static void tell_position(listener *l)
{
    if (!l->position_due || ledger_suspect_count(l->ledger) > 0 || !event_queue_is_empty(l->queue))
        return;
    l->position_due = false;
    l->events->position(l->arg, l->epoch, ledger_snapshot(l->ledger));
}

static void advance(listener *l, snapshot *newer)
{
    ledger_advance(l->ledger, newer);
    l->position_due = true;
}

/* Judges a notification by the ledger; takes the event over. */
static void judge_notified(listener *l, db_event *e)
{
    if (ledger_notified(l->ledger, e->player_id, e->seq, e->xid)) {
        metric_add(l->notified, 1);
        accept_event(l, e);
    } else {
        metric_add(l->duplicates, 1);
        db_event_clear(e);
    }
}

static void take_event(listener *l, const char *payload)
{
    db_event e;
    if (!db_event_parse(&e, payload, strlen(payload))) {
        metric_add(l->unreadable, 1);
        log_warning_as(pg_conn_who(l->conn), "event=notification_unreadable bytes=%zu",
                       strlen(payload));
        return;
    }
    if (l->state == LISTEN_LIVE) {
        judge_notified(l, &e);
        tell_position(l);
        return;
    }
    early *held = mem_new(early);
    held->event = e;
    DL_APPEND(l->early, held);
}

static void judge_early(listener *l)
{
    early *held, *tmp;
    DL_FOREACH_SAFE (l->early, held, tmp) {
        DL_DELETE(l->early, held);
        judge_notified(l, &held->event);
        free(held);
    }
}

static void drop_early(listener *l)
{
    early *held, *tmp;
    DL_FOREACH_SAFE (l->early, held, tmp) {
        DL_DELETE(l->early, held);
        db_event_clear(&held->event);
        free(held);
    }
}

static void accept_suspects(listener *l, uint64_t since_ms, metric *count)
{
    char *player;
    int64_t seq;
    while (ledger_take_suspect(l->ledger, since_ms, &player, &seq)) {
        metric_add(count, 1);
        if (count == l->missed)
            log_error_as(pg_conn_who(l->conn), "event=notification_missed player=%s seq=%lld",
                         LOG_Q(player), (long long)seq);
        event_queue_push_ref(l->queue, player, seq);
        free(player);
    }
}

/* ---- catching up ---- */

static void send_listen(listener *l)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "LISTEN unichat; LISTEN " PUBLISH_CHANNEL "; LISTEN " IDENTITY_CHANNEL "; LISTEN %s",
             l->probe_channel);
    l->state = LISTEN_SUBSCRIBING;
    if (PQsendQuery(pg_conn_raw(l->conn), sql))
        pg_conn_flush(l->conn);
    else
        pg_conn_fail(l->conn, PQerrorMessage(pg_conn_raw(l->conn)));
}

static void send_read_revocations(listener *l)
{
    l->state = LISTEN_READING_REVOCATIONS;
    if (PQsendQuery(pg_conn_raw(l->conn), "SELECT * FROM unichat_revocations()"))
        pg_conn_flush(l->conn);
    else
        pg_conn_fail(l->conn, PQerrorMessage(pg_conn_raw(l->conn)));
}

static void take_revocations(listener *l, PGresult *rows)
{
    for (int i = 0; i < PQntuples(rows); i++)
        l->events->identity(l->arg, PQgetvalue(rows, i, 0));
}

static void send_catch_up(listener *l)
{
    PGconn *pg = pg_conn_raw(l->conn);
    const snapshot *s = ledger_snapshot(l->ledger);
    const char *values[] = {s == NULL ? NULL : snapshot_text(s)};
    l->state = LISTEN_CATCHING_UP;
    l->caught_up_rows = 0;
    if (PQsendQueryParams(pg, catch_up_sql, 1, NULL, values, NULL, NULL, 0) &&
        PQsetSingleRowMode(pg))
        pg_conn_flush(l->conn);
    else
        pg_conn_fail(l->conn, PQerrorMessage(pg));
}

/* What the first row says of the whole: N and the epoch. */
static void begin_catch_up(listener *l, PGresult *row)
{
    const snapshot *s = ledger_snapshot(l->ledger);
    const char *epoch = PQgetvalue(row, 0, COL_EPOCH);
    l->caught_up_to = snapshot_parse(PQgetvalue(row, 0, COL_SNAPSHOT));
    if (l->caught_up_to == NULL) {
        pg_conn_fail(l->conn, "the server's snapshot cannot be read");
        return;
    }
    l->time_went_back = s != NULL && (strcmp(l->epoch, epoch) != 0 ||
                                      snapshot_xmax(l->caught_up_to) < snapshot_xmax(s));
    mem_replace(&l->epoch, epoch);
    snapshot_lower_behind(l->caught_up_to, PQgetvalue(row, 0, COL_NEWEST));
    if (!l->time_went_back)
        accept_suspects(l, UINT64_MAX, l->caught_up);
}

static void take_row(listener *l, PGresult *row)
{
    if (l->caught_up_to == NULL)
        begin_catch_up(l, row);
    if (l->caught_up_to == NULL || PQgetisnull(row, 0, COL_PLAYER))
        return;
    db_event e;
    const char *payload = PQgetvalue(row, 0, COL_PAYLOAD);
    if (!db_event_parse(&e, payload, strlen(payload))) {
        metric_add(l->unreadable, 1);
        return;
    }
    if (ledger_caught_up(l->ledger, e.player_id, e.seq, e.xid)) {
        l->caught_up_rows++;
        metric_add(l->caught_up, 1);
        event_queue_push(l->queue, &e);
    } else {
        db_event_clear(&e);
    }
}

static void finish_catch_up(listener *l)
{
    if (l->caught_up_to == NULL) {
        pg_conn_fail(l->conn, "the catch-up had no answer");
        return;
    }
    if (l->time_went_back)
        ledger_reset(l->ledger);
    advance(l, l->caught_up_to);
    l->caught_up_to = NULL;
    l->state = LISTEN_LIVE;
    pg_conn_healthy(l->conn);
    log_info_as(pg_conn_who(l->conn), "event=listening events_caught_up=%llu epoch=%s",
                (unsigned long long)l->caught_up_rows, l->epoch);
    judge_early(l);
    tell_position(l);
    if (l->time_went_back) {
        log_warning_as(pg_conn_who(l->conn), "event=database_changed epoch=%s", l->epoch);
        l->events->resync(l->arg);
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

static void probe_came_back(listener *l)
{
    l->probing = false;
    l->probe_back_ms = l->probe_sent_ms;
}

static void take_notifications(listener *l)
{
    PGnotify *n;
    while ((n = PQnotifies(pg_conn_raw(l->conn))) != NULL) {
        l->heard = true;
        if (strcmp(n->relname, l->probe_channel) == 0)
            probe_came_back(l);
        else if (strcmp(n->relname, PUBLISH_CHANNEL) == 0)
            l->events->publication(l->arg, n->extra);
        else if (strcmp(n->relname, IDENTITY_CHANNEL) == 0)
            l->events->identity(l->arg, n->extra);
        else
            take_event(l, n->extra);
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
}

static void on_ready(void *arg)
{
    listener *l = arg;
    l->session++;
    l->probing = false;
    l->probe_back_ms = 0;
    metric_add(l->sessions, 1);
    send_listen(l);
}

/* What was accepted stays so; what was not will be in the next session's difference. */
static void on_lost(void *arg, const char *why)
{
    listener *l = arg;
    (void)why;
    l->state = LISTEN_AWAY;
    drop_early(l);
    snapshot_free(l->caught_up_to);
    l->caught_up_to = NULL;
}

static const pg_conn_events conn_events = {on_ready, on_input, on_lost};

/* ---- audit ---- */

/* Notifications come in the order of the queue. So once a probe is back, whatever was visible
 * before it was sent has been notified too, or never will be; the notifier may need a moment
 * besides. */
static uint64_t missed_since(const listener *l, uint64_t now)
{
    uint64_t patient = now > SUSPECT_MIN_AGE_MS ? now - SUSPECT_MIN_AGE_MS : 0;
    return patient < l->probe_back_ms ? patient : l->probe_back_ms;
}

static void probe_now(listener *l);

static void audit_rows(listener *l, PGresult *rows)
{
    snapshot *newer = snapshot_parse(db_text(rows, 0, "snapshot"));
    uint64_t now = clock_monotonic_ms();
    if (newer == NULL)
        return;
    snapshot_lower_behind(newer, db_text(rows, 0, "newest"));
    accept_suspects(l, missed_since(l, now), l->missed);
    for (int i = 0; i < PQntuples(rows); i++) {
        const char *player = db_text(rows, i, "player_id");
        int64_t seq;
        if (player != NULL && text_parse_int(db_text(rows, i, "seq"), 1, INT64_MAX, &seq))
            ledger_audited(l->ledger, player, seq, now);
    }
    advance(l, newer);
    tell_position(l);
    if (ledger_suspect_count(l->ledger) > 0)
        probe_now(l);
}

static void free_when_done(listener *l);

static void on_audited(void *arg, const db_result *res)
{
    listener *l = arg;
    l->auditing = false;
    if (l->closing)
        free_when_done(l);
    else if (res->error != NULL)
        log_warning_as(pg_conn_who(l->conn), "event=audit_failed reason=%s",
                       LOG_Q(res->error->message));
    else if (l->state == LISTEN_LIVE && l->audit_session == l->session)
        audit_rows(l, res->rows);
}

static void on_audit_time(uv_timer_t *timer)
{
    listener *l = timer->data;
    uv_timer_start(timer, on_audit_time, (uint64_t)l->conf->audit_interval, 0);
    if (l->auditing || l->state != LISTEN_LIVE)
        return;
    const char *values[] = {snapshot_text(ledger_snapshot(l->ledger))};
    l->audit_session = l->session;
    l->auditing = db_query(l->pool, &audit_stmt, values, on_audited, l);
}

/* ---- probe ---- */

static void on_probe_time(uv_timer_t *timer);

static void send_probe(listener *l)
{
    char sql[64];
    snprintf(sql, sizeof sql, "NOTIFY %s", l->probe_channel);
    if (!PQsendQuery(pg_conn_raw(l->conn), sql)) {
        pg_conn_fail(l->conn, PQerrorMessage(pg_conn_raw(l->conn)));
        return;
    }
    pg_conn_flush(l->conn);
    l->probing = true;
    l->heard = false;
    l->probe_sent_ms = clock_monotonic_ms();
}

/* Out of turn. */
static void probe_now(listener *l)
{
    if (l->probing || l->state != LISTEN_LIVE)
        return;
    send_probe(l);
    uv_timer_start(&l->probe_timer, on_probe_time, (uint64_t)l->conf->probe_timeout, 0);
}

static void on_probe_time(uv_timer_t *timer)
{
    listener *l = timer->data;
    bool unanswered = l->probing && l->state == LISTEN_LIVE;
    if (unanswered && l->heard) { /* very many are before it in the queue */
        l->heard = false;
        uv_timer_start(timer, on_probe_time, (uint64_t)l->conf->probe_timeout, 0);
        return;
    }
    l->probing = false;
    if (unanswered) {
        metric_add(l->probe_failures, 1);
        log_error_as(pg_conn_who(l->conn), "event=listening_in_vain hint=%s",
                     LOG_Q("the session does not get its own notifications; if a pooler is in "
                           "between, it must be in session mode (pgbouncer: pool_mode=session)"));
        pg_conn_fail(l->conn, "the session does not get its own notifications");
    } else if (l->state == LISTEN_LIVE) {
        send_probe(l);
    }
    int64_t next = l->probing ? l->conf->probe_timeout : l->conf->probe_interval;
    uv_timer_start(timer, on_probe_time, (uint64_t)next, 0);
}

/* ---- life ---- */

static double read_live(void *arg)
{
    return listener_is_live(arg);
}

static double read_ahead(void *arg)
{
    return (double)ledger_ahead_count(((const listener *)arg)->ledger);
}

static void register_metrics(listener *l)
{
    static const char events_help[] = "Events accepted for delivery, by how they came.";
    static const char name[] = "unichat_events_total";
    l->notified = metric_counter(name, "source=\"notify\"", events_help);
    l->caught_up = metric_counter(name, "source=\"catch_up\"", events_help);
    l->missed = metric_counter("unichat_events_missed_total", NULL,
                               "Events that no notification told of and the audit found; 0 unless "
                               "something is broken.");
    l->duplicates = metric_counter("unichat_events_duplicate_total", NULL,
                                   "Notifications of events that had been accepted already.");
    l->unreadable = metric_counter("unichat_events_unreadable_total", NULL,
                                   "Notifications that are not events.");
    l->sessions = metric_counter("unichat_listen_sessions_total", NULL,
                                 "Listening sessions since the start.");
    l->probe_failures = metric_counter("unichat_listen_probe_failures_total", NULL,
                                       "Listening sessions replaced because they heard nothing.");
    metric_gauge_read("unichat_listening", NULL, "1 while the listening session is live.",
                      read_live, l);
    metric_gauge_read("unichat_events_ahead", NULL,
                      "Accepted events that the last audit has not seen yet.", read_ahead, l);
}

static void start_timer(listener *l, uv_loop_t *loop, uv_timer_t *timer, uv_timer_cb cb, int64_t ms)
{
    uv_timer_init(loop, timer);
    timer->data = l;
    uv_timer_start(timer, cb, (uint64_t)ms, 0);
}

listener *listener_new(uv_loop_t *loop, const config *conf, db_pool *pool,
                       const listener_events *events, void *arg)
{
    listener *l = mem_new(listener);
    l->conf = conf;
    l->pool = pool;
    l->events = events;
    l->arg = arg;
    l->ledger = ledger_new();
    l->queue = event_queue_new(loop, pool, events->event, arg);
    snprintf(l->probe_channel, sizeof l->probe_channel, "unichat_probe_%08llx",
             (unsigned long long)rand_below(UINT32_MAX));
    register_metrics(l);
    start_timer(l, loop, &l->audit_timer, on_audit_time, conf->audit_interval);
    start_timer(l, loop, &l->probe_timer, on_probe_time, conf->probe_interval);
    l->conn = pg_conn_new(loop, conf, "listener", CATCH_UP_TIMEOUT_MS, &conn_events, l);
    pg_conn_start(l->conn);
    return l;
}

bool listener_has_begun(const listener *l)
{
    return ledger_snapshot(l->ledger) != NULL;
}

bool listener_is_live(const listener *l)
{
    return l->state == LISTEN_LIVE;
}

static void free_when_done(listener *l)
{
    if (l->open_handles > 0 || l->auditing)
        return;
    void (*closed)(void *) = l->closed;
    void *arg = l->closed_arg;
    event_queue_close(l->queue);
    ledger_free(l->ledger);
    free(l->epoch);
    free(l);
    if (closed != NULL)
        closed(arg);
}

static void on_conn_closed(void *arg)
{
    listener *l = arg;
    l->open_handles--;
    free_when_done(l);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_conn_closed(handle->data);
}

void listener_close(listener *l, void (*closed)(void *arg), void *arg)
{
    l->closing = true;
    l->state = LISTEN_AWAY;
    l->closed = closed;
    l->closed_arg = arg;
    l->open_handles = 3;
    drop_early(l);
    snapshot_free(l->caught_up_to);
    uv_close((uv_handle_t *)&l->audit_timer, on_timer_closed);
    uv_close((uv_handle_t *)&l->probe_timer, on_timer_closed);
    pg_conn_close(l->conn, on_conn_closed, l);
}
