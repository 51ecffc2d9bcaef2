/* intake.c - see intake.h.
 *
 * Epoch. Each difference reads the database's identity. When it has changed, or time has gone back,
 * S means nothing there: the ledger starts anew and the clients are told to resync. An audit comes
 * by another connection, which may be at another server: then nothing can be said but that one of
 * the two is wrong, and the session looks for the primary again.
 *
 * Pages. The catch-up is read in pages, by player and seq, so that no statement is long: while one
 * runs, the server does not hand out what is notified, and nobody can tell whether it still lives.
 * Each page has a snapshot of its own; N is the first one's:
 *
 *     what N sees                    is in the walk: pages see more than N, never less
 *     what ends after N was taken    is notified to this session, which listens. A later page may
 *                                    have it too, and then the notification is a duplicate
 *
 * Of one player the walk has the rows up to the moment of its page, in order, and what comes after
 * that is notified, in order.
 *
 * Limits. What the bridge remembers of events is bounded: those that wait behind one that has to be
 * fetched, those that come during a catch-up, those of a catch-up, and those since S. Beyond that
 * the session is given up. What came since S is caught up with from there, which moves S on; for
 * the others everything starts anew too, as loading anew is cheaper for everybody.
 *
 * Crashes. With synchronous_commit = off a commit is told of, and seen, before it is on disk. Then
 * a crash takes it back, and gives its xid and the player's seq to others:
 *
 *     server                                     bridge
 *     ann's 7 commits, not yet on disk
 *                                                forwards it: it is ahead
 *     crash, recovery
 *     others commit, until its xid is passed
 *     another 7 of ann's commits
 *                                                difference: there is no such row, or another one
 *                                                has that name: time has gone back
 *
 * So that all that may be lost is ahead, S sees only what is on disk: a newer snapshot becomes S
 * when the log is written as far as it was when that was taken. That is asked by the next audit, if
 * it was not so at once. (A first S is taken as it is: nothing was forwarded before it.)
 *
 * A transaction that ended without leaving anything on disk (it was rolled back, say) may be
 * unknown after a crash too, with synchronous_commit = on as well:
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

#define CATCH_UP_PAGE 5000 /* rows */
#define TEXT(number) #number
#define TEXT_OF(number) TEXT(number)

/* What the delivery worker is to tell of has time for as long as that makes progress (of a large
 * transaction it tells page by page, and of others behind it), and for so long without. */
#define WORKER_PATIENCE_MS 8000
#define WORKER_PROGRESS "interval '5 seconds'"

#define QUEUE_BYTES_MAX ((size_t)64 << 20)
#define EARLY_BYTES_MAX ((size_t)64 << 20)
#define CAUGHT_UP_MAX 500000
#define AHEAD_MAX 500000

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
    size_t early_bytes;
    snapshot *caught_up_to; /* N, while catching up */
    snapshot *raw;          /* the same, not lowered */
    const char *anew;       /* why clients are told to resync, once live; a catch-up may break off
                             * before. NULL: they are not */
    const char *give_up;    /* why this session is to end, or NULL */
    uint64_t caught_up_rows;
    uint64_t page_rows; /* of the page that is being read */
    char *at_player;    /* the last row of the catch-up; the next page begins behind it */
    char at_seq[24];
    char *epoch;
    snapshot *unwritten; /* becomes S when the log is written up to `written` */
    char *written;
    bool on_disk;      /* N, while catching up, which has `written` too */
    bool position_due; /* S is new, and not everything that it sees has been handed on */

    metric *notified, *caught_up, *missed, *duplicates, *unreadable, *audits, *queue_usage,
        *worker_lag;
};

/* The highest xid of an event; with a snapshot of the same statement, of those that it sees. */
#define NEWEST_XID "(SELECT xid FROM chat_events ORDER BY xid DESC LIMIT 1)"

/* What is the same in each row: whose history it is, how far the log had got when the snapshot had
 * been taken, and whether that is on disk. */
#define OF_ALL                                                                                     \
    "SELECT unichat_epoch() AS epoch,"                                                             \
    " w.lsn::text AS written, pg_current_wal_flush_lsn() >= w.lsn AS on_disk"                      \
    " FROM (SELECT pg_current_wal_insert_lsn() AS lsn OFFSET 0) AS w"

/* unichat_events_since() promises its order, and a join to one row keeps it. */
const char intake_catch_up_sql[] =
    "SELECT pg_current_snapshot()::text, one.epoch, " NEWEST_XID ","
    " one.written, one.on_disk, e.player_id, e.seq, e.payload::text"
    " FROM (" OF_ALL ") AS one LEFT JOIN"
    " unichat_events_since(coalesce($1::text::pg_snapshot, pg_current_snapshot()),"
    "  $2::text, $3::bigint, $4::int) AS e ON true";
enum {
    COL_SNAPSHOT,
    COL_EPOCH,
    COL_NEWEST,
    COL_WRITTEN,
    COL_ON_DISK,
    COL_PLAYER,
    COL_SEQ,
    COL_PAYLOAD
};

/* To ask for the queue's usage is also what empties a queue that was full: its tail is moved by
 * those who notify, and no one can while it is full. */
const db_stmt intake_audit_stmt = {
    "audit",
    "SELECT pg_current_snapshot()::text AS snapshot, one.epoch, " NEWEST_XID " AS newest,"
    " one.written, one.on_disk, one.last_on_disk, one.usage,"
    " one.told, one.working, one.lag, e.player_id, e.seq, e.xid, e.kind = 'pruned' AS pruned, "
    "e.notified"
    " FROM (SELECT w.*, pg_current_wal_flush_lsn() >= $2::pg_lsn AS last_on_disk,"
    "  pg_notification_queue_usage() AS usage, d.position::text AS told,"
    "  extract(epoch FROM d.lag) AS lag,"
    "  d.worker_pid IS NOT NULL AND d.last_at > clock_timestamp() - " WORKER_PROGRESS " AS working"
    "  FROM (" OF_ALL ") AS w, unichat_delivery() AS d) AS one"
    " LEFT JOIN chat_events AS e"
    " ON e.xid >= pg_snapshot_xmax($1::text::pg_snapshot)"
    " OR e.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))"
    " ORDER BY e.player_id, e.seq",
    2};

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

static ledger_event name_of(const db_event *e)
{
    return (ledger_event){e->player_id, e->seq, e->xid, e->at};
}

/* What clients have may be wrong. A session that is live has to end for it. */
static void time_went_back(intake *in)
{
    in->anew = "epoch";
    if (in->live)
        in->give_up = "the database is another one, or has gone back in time";
}

/* What waits is dropped, as it is in the table too. */
static void too_much(intake *in, const char *why)
{
    if (!in->anew)
        in->anew = "too_old";
    in->give_up = why;
}

/* What is not new is not forwarded. */
static bool is_new(intake *in, ledger_verdict verdict)
{
    if (verdict == LEDGER_OTHER)
        time_went_back(in);
    return verdict == LEDGER_NEW;
}

static void mind_limits(intake *in)
{
    if (event_queue_bytes(in->queue) > QUEUE_BYTES_MAX)
        too_much(in, "too many events wait for one that cannot be fetched");
    else if (in->early_bytes > EARLY_BYTES_MAX)
        too_much(in, "too many events have come before the catch-up was over");
    else if (in->caught_up_rows > CAUGHT_UP_MAX)
        too_much(in, "too many events have been missed");
    else if (in->live && ledger_ahead_count(in->ledger) > AHEAD_MAX)
        in->give_up = "too many events have come since an audit";
}

/* Judges a notification by the ledger; takes the event over. */
static void judge_notified(intake *in, db_event *e)
{
    ledger_event name = name_of(e);
    if (is_new(in, ledger_notified(in->ledger, &name))) {
        metric_add(in->notified, 1);
        accept_event(in, e);
    } else {
        metric_add(in->duplicates, 1);
        db_event_clear(e);
    }
}

/* ---- S ---- */

static void advance(intake *in, snapshot *newer)
{
    ledger_advance(in->ledger, newer);
    in->position_due = true;
}

static void drop_unwritten(intake *in)
{
    snapshot_free(in->unwritten);
    in->unwritten = NULL;
    mem_replace(&in->written, NULL);
}

/* Takes a snapshot over whose difference has been read, and has fitted. One that waits already is
 * older, so it is on disk sooner. */
static void take_snapshot(intake *in, snapshot *newer, const char *written, bool on_disk)
{
    if (on_disk || !ledger_snapshot(in->ledger)) {
        drop_unwritten(in);
        advance(in, newer);
    } else if (!in->unwritten) {
        in->unwritten = newer;
        mem_replace(&in->written, written);
    } else {
        snapshot_free(newer);
    }
}

/* Takes the event over. */
static void hold(intake *in, const db_event *e)
{
    early *held = mem_new(early);
    held->event = *e;
    in->early_bytes += sizeof(*held) + 2 * e->data_len;
    DL_APPEND(in->early, held);
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
    } else {
        hold(in, &e);
    }
    mind_limits(in);
}

static void judge_early(intake *in)
{
    early *held, *tmp;
    DL_FOREACH_SAFE (in->early, held, tmp) {
        DL_DELETE(in->early, held);
        judge_notified(in, &held->event);
        free(held);
    }
    in->early_bytes = 0;
}

static void drop_early(intake *in)
{
    early *held, *tmp;
    DL_FOREACH_SAFE (in->early, held, tmp) {
        DL_DELETE(in->early, held);
        db_event_clear(&held->event);
        free(held);
    }
    in->early_bytes = 0;
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

/* Where it begins: S, or NULL when that is not good for it any more. */
static const char *since(const intake *in)
{
    return in->anew ? NULL : intake_snapshot(in);
}

static bool is_behind(const intake *in, const snapshot *raw, const char *epoch)
{
    const snapshot *s = ledger_snapshot(in->ledger);
    return s && (strcmp(in->epoch, epoch) != 0 || snapshot_xmax(raw) < snapshot_xmax(s));
}

/* What the first row says of the whole: N and the epoch. */
static bool begin_catch_up(intake *in, PGresult *row)
{
    const char *epoch = PQgetvalue(row, 0, COL_EPOCH);
    in->raw = snapshot_parse(PQgetvalue(row, 0, COL_SNAPSHOT));
    if (!in->raw)
        return false;
    if (is_behind(in, in->raw, epoch))
        time_went_back(in);
    mem_replace(&in->epoch, epoch);
    in->caught_up_to = snapshot_parse(snapshot_text(in->raw));
    snapshot_lower_behind(in->caught_up_to, PQgetvalue(row, 0, COL_NEWEST));
    mem_replace(&in->written, PQgetvalue(row, 0, COL_WRITTEN));
    in->on_disk = *PQgetvalue(row, 0, COL_ON_DISK) == 't';
    ledger_begin_difference(in->ledger);
    if (!in->anew)
        accept_suspects(in, UINT64_MAX, in->caught_up);
    return true;
}

static void take_row(intake *in, const char *player, const char *payload)
{
    db_event e;
    if (!db_event_parse(&e, payload, strlen(payload))) {
        metric_add(in->unreadable, 1);
        log_error_as(in->who, "event=event_unreadable player=%s bytes=%zu", LOG_Q(player),
                     strlen(payload));
        in->events->skipped(in->arg, player);
        return;
    }
    ledger_event name = name_of(&e);
    if (strcmp(e.kind, "pruned") == 0)
        ledger_pruned(in->ledger, e.player_id);
    if (is_new(in, ledger_caught_up(in->ledger, &name))) {
        in->caught_up_rows++;
        metric_add(in->caught_up, 1);
        event_queue_push(in->queue, &e);
        mind_limits(in);
    } else {
        db_event_clear(&e);
    }
}

bool intake_caught_up(intake *in, PGresult *row)
{
    if (!in->caught_up_to && !begin_catch_up(in, row))
        return false;
    if (strcmp(PQgetvalue(row, 0, COL_EPOCH), in->epoch) != 0)
        return false;
    if (PQgetisnull(row, 0, COL_PLAYER))
        return true;
    in->page_rows++;
    mem_replace(&in->at_player, PQgetvalue(row, 0, COL_PLAYER));
    snprintf(in->at_seq, sizeof(in->at_seq), "%s", PQgetvalue(row, 0, COL_SEQ));
    take_row(in, in->at_player, PQgetvalue(row, 0, COL_PAYLOAD));
    return true;
}

static void begin_at_start(intake *in)
{
    in->page_rows = 0;
    mem_replace(&in->at_player, "");
    snprintf(in->at_seq, sizeof(in->at_seq), "0");
}

void intake_catch_up_values(intake *in, const char *values[4])
{
    in->page_rows = 0;
    values[0] = since(in);
    values[1] = in->at_player;
    values[2] = in->at_seq;
    values[3] = TEXT_OF(CATCH_UP_PAGE);
}

bool intake_page_is_full(const intake *in)
{
    return in->page_rows >= CATCH_UP_PAGE;
}

void intake_cannot_catch_up(intake *in)
{
    too_much(in, "the catch-up takes too long");
}

/* What was accepted before and waits is of the other time, or in what the clients are going to
 * load. */
static void start_anew(intake *in)
{
    ledger_reset(in->ledger);
    event_queue_clear(in->queue);
}

bool intake_live(intake *in)
{
    if (!in->caught_up_to)
        return false;
    if (!in->anew && !ledger_fits(in->ledger, in->raw))
        time_went_back(in);
    const char *anew = in->anew;
    if (anew)
        start_anew(in);
    char *written = in->written;
    in->written = NULL;
    take_snapshot(in, in->caught_up_to, written, in->on_disk);
    free(written);
    in->caught_up_to = NULL;
    snapshot_free(in->raw);
    in->raw = NULL;
    in->live = true;
    in->anew = NULL;
    log_info_as(in->who, "event=listening events_caught_up=%llu epoch=%s",
                (unsigned long long)in->caught_up_rows, in->epoch);
    in->caught_up_rows = 0;
    judge_early(in);
    tell_position(in);
    if (anew) {
        log_warning_as(in->who, "event=%s epoch=%s",
                       strcmp(anew, "epoch") == 0 ? "database_changed" : "begun_anew", in->epoch);
        in->events->resync(in->arg, anew);
    }
    return true;
}

void intake_lost(intake *in)
{
    in->live = false;
    in->give_up = NULL;
    in->caught_up_rows = 0;
    drop_early(in);
    drop_unwritten(in);
    begin_at_start(in);
    snapshot_free(in->caught_up_to);
    snapshot_free(in->raw);
    in->caught_up_to = in->raw = NULL;
}

const char *intake_gives_up(const intake *in)
{
    return in->give_up;
}

/* ---- auditing ---- */

void intake_audit_values(const intake *in, const char *values[2])
{
    values[0] = snapshot_text(ledger_snapshot(in->ledger));
    values[1] = in->written;
}

static bool is_true(const PGresult *rows, int row, const char *column)
{
    const char *text = db_text(rows, row, column);
    return text && *text == 't';
}

static void audit_row(intake *in, const PGresult *rows, int row, uint64_t now)
{
    ledger_event e = {.player = db_text(rows, row, "player_id")};
    if (!e.player || !text_parse_int(db_text(rows, row, "seq"), 1, INT64_MAX, &e.seq) ||
        !snapshot_parse_xid(db_text(rows, row, "xid"), &e.xid))
        return;
    if (is_true(rows, row, "pruned"))
        ledger_pruned(in->ledger, e.player);
    bool by_worker = !is_true(rows, row, "notified");
    uint64_t since = by_worker ? now + WORKER_PATIENCE_MS : now;
    if (ledger_audited(in->ledger, &e, by_worker, since) == LEDGER_OTHER)
        time_went_back(in);
}

/* A worker that makes progress is not yet there. */
static void postpone_suspects(intake *in, const PGresult *rows)
{
    const char *text = db_text(rows, 0, "told");
    snapshot *told = text ? snapshot_parse(text) : NULL;
    if (told && is_true(rows, 0, "working"))
        ledger_postpone(in->ledger, told, clock_monotonic_ms() + WORKER_PATIENCE_MS);
    snapshot_free(told);
}

/* The difference, which ends at `raw`. */
static void audit_rows(intake *in, const PGresult *rows, const snapshot *raw)
{
    uint64_t now = clock_monotonic_ms();
    ledger_begin_difference(in->ledger);
    for (int i = 0; i < PQntuples(rows); i++)
        audit_row(in, rows, i, now);
    if (is_behind(in, raw, in->epoch) || !ledger_fits(in->ledger, raw))
        time_went_back(in);
}

static void audit_snapshot(intake *in, const PGresult *rows, snapshot *newer)
{
    snapshot_lower_behind(newer, db_text(rows, 0, "newest"));
    if (in->unwritten && is_true(rows, 0, "last_on_disk")) {
        advance(in, in->unwritten);
        in->unwritten = NULL;
    }
    take_snapshot(in, newer, db_text(rows, 0, "written"), is_true(rows, 0, "on_disk"));
    tell_position(in);
    metric_add(in->audits, 1);
}

bool intake_audited(intake *in, PGresult *rows, uint64_t missed_since)
{
    if (strcmp(db_text(rows, 0, "epoch"), in->epoch) != 0) {
        in->give_up = "the audit has found another database than the session's";
        return false;
    }
    snapshot *newer = snapshot_parse(db_text(rows, 0, "snapshot"));
    if (!newer)
        return false;
    const char *lag = db_text(rows, 0, "lag");
    metric_set(in->queue_usage, strtod(db_text(rows, 0, "usage"), NULL));
    metric_set(in->worker_lag, lag ? strtod(lag, NULL) : 0);
    postpone_suspects(in, rows);
    accept_suspects(in, missed_since, in->missed);
    audit_rows(in, rows, newer);
    if (in->anew)
        snapshot_free(newer);
    else
        audit_snapshot(in, rows, newer);
    return ledger_suspect_count(in->ledger) > 0;
}

/* ---- life ---- */

static double read_ahead(void *arg)
{
    return (double)ledger_ahead_count(((const intake *)arg)->ledger);
}

static double read_suspects(void *arg)
{
    return (double)ledger_suspect_count(((const intake *)arg)->ledger);
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
                                    "Notifications, and rows of a catch-up, that are not events.");
    in->audits = metric_counter("unichat_audits_total", NULL,
                                "Audits: the events since the last one read again and compared.");
    in->queue_usage =
        metric_gauge("unichat_notify_queue_usage", NULL,
                     "How much of the server's notification queue is in use, 0 to 1.");
    in->worker_lag = metric_gauge("unichat_delivery_lag_seconds", NULL,
                                  "How long the oldest event that the delivery worker knows of has "
                                  "been waiting for it, at the last audit.");
    metric_gauge_read("unichat_events_ahead", NULL,
                      "Accepted events that are not known yet to be on the server's disk.",
                      read_ahead, in);
    metric_gauge_read("unichat_events_suspect", NULL,
                      "Events that an audit has found and whose notification has not come yet.",
                      read_suspects, in);
}

intake *intake_new(uv_loop_t *loop, db_pool *pool, const char *who, const listener_events *events,
                   void *arg)
{
    intake *in = mem_new(intake);
    in->who = who;
    in->events = events;
    in->arg = arg;
    in->ledger = ledger_new();
    begin_at_start(in);
    in->queue = event_queue_new(loop, pool, events->event, events->skipped, arg);
    register_metrics(in);
    return in;
}

void intake_free(intake *in)
{
    intake_lost(in);
    event_queue_close(in->queue);
    ledger_free(in->ledger);
    free(in->epoch);
    free(in->at_player);
    free(in);
}

const char *intake_snapshot(const intake *in)
{
    const snapshot *s = ledger_snapshot(in->ledger);
    return s ? snapshot_text(s) : NULL;
}
