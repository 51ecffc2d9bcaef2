/* history.h - reading from the table of events what one client has missed, page by page.
 *
 *     player   behind a seq: rows (player, seq) in order, each the very next one
 *     staff    behind a position: the difference from its snapshot, ordered by player and seq. More
 *              than HISTORY_STAFF_MAX events are not resumed; loading the queue anew is cheaper
 *
 * A history knows what it has handed out (history_has), which is what live events are spliced by.
 */
#ifndef UNICHAT_DELIVERY_HISTORY_H
#define UNICHAT_DELIVERY_HISTORY_H

#include "db/event.h"
#include "db/pool.h"
#include "db/snapshot.h"

#include <stdbool.h>
#include <stdint.h>

#define HISTORY_PAGE 100
#define HISTORY_STAFF_MAX 5000

typedef struct history history;

typedef enum history_verdict {
    HISTORY_RETRY, /* the database is away or slow, or this was another one: read the same page again
                     * later */
    HISTORY_RESYNC, /* cannot be continued; *why is a word of docs/events.md */
    HISTORY_MORE,   /* a full page: read on after it */
    HISTORY_END,    /* the last page */
} history_verdict;

/* Behind a player's seq; `epoch` may be NULL. The caller frees with history_free(). */
history *history_of_player(const char *player_id, int64_t after, const char *epoch)
    __attribute__((warn_unused_result));

/* Behind a position; NULL when it is none. */
history *history_of_staff(const char *position) __attribute__((warn_unused_result));
void history_free(history *h);

/* Asks for the next page; as db_query(). */
bool history_read(const history *h, db_pool *pool, db_done *done, void *arg)
    __attribute__((warn_unused_result));

/* `live` is the epoch of the live events, which a page has to go together with. */
history_verdict history_judge(history *h, const db_result *page, const char *live, const char **why)
    __attribute__((warn_unused_result));

/* The event of a row of a judged page; false when the row has none, or it was handed out before:
 * then the next page begins behind it. The caller clears the event. */
bool history_row(history *h, const PGresult *rows, int row, db_event *e)
    __attribute__((warn_unused_result));

/* This one has been handed out; the next page begins behind it. */
void history_advance(history *h, const char *player_id, int64_t seq);

/* Whether it has been handed out, or the client had it before. */
bool history_has(const history *h, const char *player_id, int64_t seq);

/* After HISTORY_END: from there once more, for what has been committed meanwhile. */
void history_again(history *h);

/* What the last page has seen, or NULL: every event that came out of it is seen by this. */
const snapshot *history_seen(const history *h);

/* The database that the pages came from, or NULL. */
const char *history_epoch(const history *h);

#endif
