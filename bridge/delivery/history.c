/* history.c - see history.h.
 *
 * Each page is a statement of its own with a snapshot of its own. That is enough:
 *
 *     player   seq is gapless and commit order is seq order, so the rows behind a seq that are
 *              visible now are the very next ones. A gap means that events were pruned.
 *     staff    a pass walks the difference from S by (player, seq). A page may see more than the
 *              page before it did. What was committed after the first page's snapshot N, and
 *              sorts before the place where the walk is, is not seen in this pass; the next pass
 *              begins at N, and meets what came behind that place once more.
 *
 * The pool and the listening session each find the primary for themselves. For a moment, and longer
 * when an old primary was not fenced, they may be at different ones: then a page says nothing of
 * what the live events follow on. It is read again, and in the end the client is told to resync.
 */
#include "delivery/history.h"
#include "base/hash_table.h"
#include "base/mem.h"
#include "base/text.h"
#include "delivery/position.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUTS_MAX 3   /* in a row: a page that is too much for the database stays so */
#define STRANGERS_MAX 50 /* in a row: pages of another database than the live events' */

/* The newest seq of a player that was handed out. */
typedef struct newest {
    UT_hash_handle hh;
    int64_t seq;
    char player_id[];
} newest;

struct history {
    char *epoch; /* NULL: not known yet */

    snapshot *seen;     /* by the last page */
    unsigned timeouts;  /* of this page */
    unsigned strangers; /* instead of this page */

    char *player_id; /* NULL: of staff */
    int64_t after;

    char *since; /* staff: the snapshot that this pass begins at */
    char *next;  /* the first page's, where the next pass begins */
    char *at_player;
    int64_t at_seq;
    unsigned handed_out;
    newest *newest;
};

/* What each page says of itself. */
#define SEEN                                                                                       \
    "unichat_epoch() AS epoch, pg_current_snapshot()::text AS snapshot,"                           \
    " (SELECT xid FROM chat_events ORDER BY xid DESC LIMIT 1) AS newest"

static const db_stmt player_stmt = {
    "history_player",
    "SELECT " SEEN ", coalesce(p.last_seq, 0) AS last_seq, e.seq, e.payload"
    " FROM (SELECT 1) AS one LEFT JOIN chat_players AS p ON p.player_id = $1"
    " LEFT JOIN LATERAL unichat_events_after($1, $2::bigint, $3::int) AS e ON true"
    " ORDER BY e.seq",
    3};

/* Whether too much has happened is known before anything is read; counting ends there, and has its
 * order so that the index is used. */
static const db_stmt staff_stmt = {
    "history_staff",
    "SELECT " SEEN ","
    " pg_snapshot_xmax($1::text::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot()) AS ahead,"
    " one.too_many, e.player_id, e.seq, e.payload"
    " FROM (SELECT count(*) > $5::int AS too_many FROM"
    "  (SELECT FROM chat_events WHERE xid >= pg_snapshot_xmax($1::text::pg_snapshot)"
    "   ORDER BY xid LIMIT $5::int + 1) AS news) AS one"
    " LEFT JOIN unichat_events_since($1::text::pg_snapshot, $2, $3::bigint,"
    "  CASE WHEN one.too_many THEN 0 ELSE $4::int END) AS e ON true",
    5};

history *history_of_player(const char *player_id, int64_t after, const char *epoch)
{
    history *h = mem_new(history);
    h->player_id = mem_strdup(player_id);
    h->after = after;
    h->epoch = mem_strdup(epoch);
    return h;
}

history *history_of_staff(const char *text)
{
    position p;
    if (!position_decode(text, &p))
        return NULL;
    history *h = mem_new(history);
    h->since = mem_strdup(snapshot_text(p.snapshot));
    h->epoch = mem_strdup(p.epoch);
    h->at_player = mem_strdup("");
    position_clear(&p);
    return h;
}

void history_free(history *h)
{
    newest *n, *tmp;
    if (!h)
        return;
    HASH_ITER (hh, h->newest, n, tmp) {
        HASH_DEL(h->newest, n);
        free(n);
    }
    snapshot_free(h->seen);
    free(h->epoch);
    free(h->player_id);
    free(h->since);
    free(h->next);
    free(h->at_player);
    free(h);
}

bool history_read(const history *h, db_pool *pool, db_done *done, void *arg)
{
    char seq[24], limit[24], most[24];
    snprintf(seq, sizeof(seq), "%lld", (long long)(h->player_id ? h->after : h->at_seq));
    snprintf(limit, sizeof(limit), "%d", HISTORY_PAGE);
    snprintf(most, sizeof(most), "%d", HISTORY_STAFF_MAX);
    if (h->player_id)
        return db_query(pool, &player_stmt, (const char *[]){h->player_id, seq, limit}, done, arg);
    return db_query(pool, &staff_stmt, (const char *[]){h->since, h->at_player, seq, limit, most},
                    done, arg);
}

/* ---- judging a page ---- */

static int64_t number(const PGresult *rows, int row, const char *column)
{
    const char *text = db_text(rows, row, column);
    int64_t value;
    return text && text_parse_int(text, 0, INT64_MAX, &value) ? value : 0;
}

/* An answer without events has one row, with nulls for the event. */
static int event_count(const PGresult *rows)
{
    return db_text(rows, 0, "seq") ? PQntuples(rows) : 0;
}

static const char *player_problem(const history *h, const PGresult *rows, int events)
{
    int64_t last = number(rows, 0, "last_seq");
    if (h->after > last)
        return "ahead";
    if (events == 0 && h->after < last)
        return "too_old";
    for (int i = 0; i < events; i++)
        if (number(rows, i, "seq") != h->after + 1 + i)
            return "too_old";
    return NULL;
}

static const char *staff_problem(const history *h, const PGresult *rows)
{
    if (strcmp(db_text(rows, 0, "ahead"), "t") == 0)
        return "ahead";
    if (strcmp(db_text(rows, 0, "too_many"), "t") == 0 || h->handed_out > HISTORY_STAFF_MAX)
        return "too_old";
    return NULL;
}

/* The snapshot of this page, lowered as the listener's (db/intake.c, "Crashes"). */
static void keep_seen(history *h, const PGresult *rows)
{
    snapshot_free(h->seen);
    h->seen = snapshot_parse(db_text(rows, 0, "snapshot"));
    if (!h->seen)
        return;
    snapshot_lower_behind(h->seen, db_text(rows, 0, "newest"));
    if (!h->next)
        h->next = mem_strdup(snapshot_text(h->seen));
}

static history_verdict judge_error(history *h, const db_error *error, const char **why)
{
    bool timeout = db_error_is_timeout(error);
    h->timeouts = timeout ? h->timeouts + 1 : 0;
    *why = timeout ? "too_old" : "unknown";
    return db_error_is_transient(error) && h->timeouts < TIMEOUTS_MAX ? HISTORY_RETRY
                                                                      : HISTORY_RESYNC;
}

static history_verdict judge_stranger(history *h, const char **why)
{
    *why = "epoch";
    return ++h->strangers < STRANGERS_MAX ? HISTORY_RETRY : HISTORY_RESYNC;
}

history_verdict history_judge(history *h, const db_result *page, const char *live, const char **why)
{
    if (page->error)
        return judge_error(h, page->error, why);
    h->timeouts = 0;
    *why = NULL;
    const char *epoch = db_text(page->rows, 0, "epoch");
    if (strcmp(epoch, live) != 0)
        return judge_stranger(h, why);
    h->strangers = 0;
    int events = event_count(page->rows);
    if (!h->epoch)
        h->epoch = mem_strdup(epoch);
    if (strcmp(h->epoch, epoch) != 0)
        *why = "epoch";
    else if (h->player_id)
        *why = player_problem(h, page->rows, events);
    else
        *why = staff_problem(h, page->rows);
    if (*why)
        return HISTORY_RESYNC;
    keep_seen(h, page->rows);
    return events == HISTORY_PAGE ? HISTORY_MORE : HISTORY_END;
}

/* ---- handing out ---- */

static newest *find(const history *h, const char *player_id)
{
    newest *n;
    HASH_FIND_STR(h->newest, player_id, n);
    return n;
}

bool history_has(const history *h, const char *player_id, int64_t seq)
{
    if (h->player_id)
        return seq <= h->after;
    const newest *n = find(h, player_id);
    return n && seq <= n->seq;
}

/* The next page begins behind this. */
static void walk_past(history *h, const char *player_id, int64_t seq)
{
    if (h->player_id) {
        h->after = seq;
        return;
    }
    mem_replace(&h->at_player, player_id);
    h->at_seq = seq;
}

/* What is not handed out is walked past here: in a pass that is not the first, whole pages may have
 * been handed out before. */
bool history_row(history *h, const PGresult *rows, int row, db_event *e)
{
    const char *payload = db_text(rows, row, "payload");
    if (!payload)
        return false;
    if (db_event_parse(e, payload, strlen(payload))) {
        if (!history_has(h, e->player_id, e->seq))
            return true;
        db_event_clear(e);
    }
    walk_past(h, db_text(rows, row, "player_id"), number(rows, row, "seq"));
    return false;
}

static void note_newest(history *h, const char *player_id, int64_t seq)
{
    newest *n = find(h, player_id);
    if (!n) {
        n = mem_alloc(sizeof(*n) + strlen(player_id) + 1);
        strcpy(n->player_id, player_id);
        HASH_ADD_STR(h->newest, player_id, n);
    }
    n->seq = seq;
    h->handed_out++;
}

void history_advance(history *h, const char *player_id, int64_t seq)
{
    if (!h->player_id)
        note_newest(h, player_id, seq);
    walk_past(h, player_id, seq);
}

void history_again(history *h)
{
    if (h->player_id || !h->next)
        return;
    free(h->since);
    h->since = h->next;
    h->next = NULL;
    mem_replace(&h->at_player, "");
    h->at_seq = 0;
}

const snapshot *history_seen(const history *h)
{
    return h->seen;
}

const char *history_epoch(const history *h)
{
    return h->epoch;
}
