/* intake.c - see intake.h.
 *
 * Epoch. Each catch-up reads the database's identity. When it has changed, or the xids have gone
 * back behind an event, S means nothing there: the ledger starts anew and the clients are told to
 * resync.
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
 */
#include "db/intake.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "db/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* A notification that came before the catch-up was over. */
typedef struct early {
    db_event event;
    struct early *prev, *next;
} early;

struct intake {
    const char *who;
    const listener_events *events;
    void *arg;
    event_queue *queue;
    ledger *ledger;
    bool live;
    early *early;
    snapshot *caught_up_to; /* N, while catching up */
    bool time_went_back;
    uint64_t caught_up_rows;
    char *epoch;
    bool players_listen; /* and may notify: a notification is a hint, the event is read */
    bool position_due;   /* S is new, and not everything that it sees has been handed on */

    metric *notified, *caught_up, *missed, *duplicates, *unreadable;
};

/* The highest xid of an event; with a snapshot of the same statement, of those that it sees. */
#define NEWEST_XID "(SELECT xid FROM chat_events ORDER BY xid DESC LIMIT 1)"

/* Are there players with sessions of their own? Whoever is connected may notify as we are. */
#define PLAYERS_LISTEN                                                                             \
    "(SELECT count(*) > 0 FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid"        \
    " WHERE g.rolname = 'unichat_player')"

/* unichat_events_since() promises its order, and a join to one row keeps it. */
const char intake_catch_up_sql[] =
    "SELECT pg_current_snapshot()::text, unichat_epoch(), " NEWEST_XID ","
    " " PLAYERS_LISTEN ", e.player_id, e.payload::text"
    " FROM (SELECT 1) AS one LEFT JOIN"
    " unichat_events_since(coalesce($1::text::pg_snapshot, pg_current_snapshot())) AS e ON true";
enum { COL_SNAPSHOT, COL_EPOCH, COL_NEWEST, COL_PLAYERS, COL_PLAYER, COL_PAYLOAD };

const db_stmt intake_audit_stmt = {
    "audit",
    "SELECT pg_current_snapshot()::text AS snapshot, " NEWEST_XID " AS newest,"
    " " PLAYERS_LISTEN " AS players, e.player_id, e.seq"
    " FROM (SELECT 1) AS one LEFT JOIN chat_events AS e"
    " ON e.xid >= pg_snapshot_xmax($1::text::pg_snapshot)"
    " OR e.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))"
    " ORDER BY e.player_id, e.seq",
    1};

/* ---- events ---- */

static void accept_event(intake *in, db_event *e)
{
    if (!e->ref) {
        event_queue_push(in->queue, e);
        return;
    }
    event_queue_push_ref(in->queue, e->player_id, e->seq);
    db_event_clear(e);
}

/* S becomes the clients' position as soon as nothing that it sees is still on its way. */
static void tell_position(intake *in)
{
    if (!in->position_due || ledger_suspect_count(in->ledger) > 0 ||
        !event_queue_is_empty(in->queue))
        return;
    in->position_due = false;
    in->events->position(in->arg, in->epoch, ledger_snapshot(in->ledger));
}

static void advance(intake *in, snapshot *newer)
{
    ledger_advance(in->ledger, newer);
    in->position_due = true;
}

/* Judges a notification by the ledger; takes the event over. */
static void judge_notified(intake *in, db_event *e)
{
    if (ledger_notified(in->ledger, e->player_id, e->seq, e->xid)) {
        metric_add(in->notified, 1);
        e->ref = e->ref || in->players_listen;
        accept_event(in, e);
    } else {
        metric_add(in->duplicates, 1);
        db_event_clear(e);
    }
}

void intake_notified(intake *in, const char *payload)
{
    db_event e;
    if (!db_event_parse(&e, payload, strlen(payload))) {
        metric_add(in->unreadable, 1);
        log_warning_as(in->who, "event=notification_unreadable bytes=%zu", strlen(payload));
        return;
    }
    if (in->live) {
        judge_notified(in, &e);
        tell_position(in);
        return;
    }
    early *held = mem_new(early);
    held->event = e;
    DL_APPEND(in->early, held);
}

static void judge_early(intake *in)
{
    early *held, *tmp;
    DL_FOREACH_SAFE (in->early, held, tmp) {
        DL_DELETE(in->early, held);
        judge_notified(in, &held->event);
        free(held);
    }
}

static void drop_early(intake *in)
{
    early *held, *tmp;
    DL_FOREACH_SAFE (in->early, held, tmp) {
        DL_DELETE(in->early, held);
        db_event_clear(&held->event);
        free(held);
    }
}

static void accept_suspects(intake *in, uint64_t since_ms, metric *count)
{
    char *player;
    int64_t seq;
    while (ledger_take_suspect(in->ledger, since_ms, &player, &seq)) {
        metric_add(count, 1);
        if (count == in->missed)
            log_error_as(in->who, "event=notification_missed player=%s seq=%lld", LOG_Q(player),
                         (long long)seq);
        event_queue_push_ref(in->queue, player, seq);
        free(player);
    }
}

/* ---- catching up ---- */

/* What the first row says of the whole: N and the epoch. */
static bool begin_catch_up(intake *in, PGresult *row)
{
    const snapshot *s = ledger_snapshot(in->ledger);
    const char *epoch = PQgetvalue(row, 0, COL_EPOCH);
    in->caught_up_to = snapshot_parse(PQgetvalue(row, 0, COL_SNAPSHOT));
    if (in->caught_up_to == NULL)
        return false;
    in->time_went_back = s != NULL && (strcmp(in->epoch, epoch) != 0 ||
                                       snapshot_xmax(in->caught_up_to) < snapshot_xmax(s));
    mem_replace(&in->epoch, epoch);
    in->players_listen = *PQgetvalue(row, 0, COL_PLAYERS) == 't';
    snapshot_lower_behind(in->caught_up_to, PQgetvalue(row, 0, COL_NEWEST));
    if (!in->time_went_back)
        accept_suspects(in, UINT64_MAX, in->caught_up);
    return true;
}

static void take_row(intake *in, const char *payload)
{
    db_event e;
    if (!db_event_parse(&e, payload, strlen(payload))) {
        metric_add(in->unreadable, 1);
    } else if (ledger_caught_up(in->ledger, e.player_id, e.seq, e.xid)) {
        in->caught_up_rows++;
        metric_add(in->caught_up, 1);
        event_queue_push(in->queue, &e);
    } else {
        db_event_clear(&e);
    }
}

bool intake_caught_up(intake *in, PGresult *row)
{
    if (in->caught_up_to == NULL && !begin_catch_up(in, row))
        return false;
    if (!PQgetisnull(row, 0, COL_PLAYER))
        take_row(in, PQgetvalue(row, 0, COL_PAYLOAD));
    return true;
}

bool intake_live(intake *in)
{
    if (in->caught_up_to == NULL)
        return false;
    if (in->time_went_back)
        ledger_reset(in->ledger);
    advance(in, in->caught_up_to);
    in->caught_up_to = NULL;
    in->live = true;
    log_info_as(in->who, "event=listening events_caught_up=%llu epoch=%s",
                (unsigned long long)in->caught_up_rows, in->epoch);
    in->caught_up_rows = 0;
    judge_early(in);
    tell_position(in);
    if (in->time_went_back) {
        log_warning_as(in->who, "event=database_changed epoch=%s", in->epoch);
        in->events->resync(in->arg);
    }
    return true;
}

void intake_lost(intake *in)
{
    in->live = false;
    in->caught_up_rows = 0;
    drop_early(in);
    snapshot_free(in->caught_up_to);
    in->caught_up_to = NULL;
}

/* ---- auditing ---- */

bool intake_audited(intake *in, PGresult *rows, uint64_t missed_since)
{
    snapshot *newer = snapshot_parse(db_text(rows, 0, "snapshot"));
    uint64_t now = clock_monotonic_ms();
    if (newer == NULL)
        return false;
    snapshot_lower_behind(newer, db_text(rows, 0, "newest"));
    in->players_listen = *db_text(rows, 0, "players") == 't';
    accept_suspects(in, missed_since, in->missed);
    for (int i = 0; i < PQntuples(rows); i++) {
        const char *player = db_text(rows, i, "player_id");
        int64_t seq;
        if (player != NULL && text_parse_int(db_text(rows, i, "seq"), 1, INT64_MAX, &seq))
            ledger_audited(in->ledger, player, seq, now);
    }
    advance(in, newer);
    tell_position(in);
    return ledger_suspect_count(in->ledger) > 0;
}

/* ---- life ---- */

static double read_ahead(void *arg)
{
    return (double)ledger_ahead_count(((const intake *)arg)->ledger);
}

static void register_metrics(intake *in)
{
    static const char events_help[] = "Events accepted for delivery, by how they came.";
    static const char name[] = "unichat_events_total";
    in->notified = metric_counter(name, "source=\"notify\"", events_help);
    in->caught_up = metric_counter(name, "source=\"catch_up\"", events_help);
    in->missed = metric_counter("unichat_events_missed_total", NULL,
                                "Events that no notification told of and the audit found; 0 unless "
                                "something is broken.");
    in->duplicates = metric_counter("unichat_events_duplicate_total", NULL,
                                    "Notifications of events that had been accepted already.");
    in->unreadable = metric_counter("unichat_events_unreadable_total", NULL,
                                    "Notifications that are not events.");
    metric_gauge_read("unichat_events_ahead", NULL,
                      "Accepted events that the last audit has not seen yet.", read_ahead, in);
}

intake *intake_new(uv_loop_t *loop, db_pool *pool, const char *who, const listener_events *events,
                   void *arg)
{
    intake *in = mem_new(intake);
    in->who = who;
    in->events = events;
    in->arg = arg;
    in->ledger = ledger_new();
    in->queue = event_queue_new(loop, pool, events->event, arg);
    register_metrics(in);
    return in;
}

void intake_free(intake *in)
{
    intake_lost(in);
    event_queue_close(in->queue);
    ledger_free(in->ledger);
    free(in->epoch);
    free(in);
}

const char *intake_snapshot(const intake *in)
{
    const snapshot *s = ledger_snapshot(in->ledger);
    return s == NULL ? NULL : snapshot_text(s);
}
