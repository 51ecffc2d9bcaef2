/* ledger.h - which events have been accepted for delivery, so that each is, exactly once. Pure.
 *
 * Accepted is
 *
 *     what the snapshot S sees, without `suspects`, and with `ahead`
 *
 *     ahead      accepted, and not seen by S
 *     suspects   found in the table, but no notification has come. It may still be on its way: the
 *                transaction became visible before the listening session was told. A suspect that
 *                stays one is a lost notification
 *
 *     writer                   bridge
 *     commit: row visible
 *                              audit: finds the row, not accepted          ──▶ a suspect
 *     notification
 *                              hears it: it is a suspect                   ──▶ accepted
 *                              hears it again: ahead, or S sees its xid    ──▶ a duplicate
 *
 * A difference is the rows that a newer snapshot N sees and S does not. It is also the proof that
 * the database still has what was accepted: what is ahead and seen by N must be among its rows, as
 * the same event. Otherwise time has gone back: a crash has taken transactions back that were not
 * on disk, and others may have got their seqs, and their xids.
 */
#ifndef UNICHAT_DB_LEDGER_H
#define UNICHAT_DB_LEDGER_H

#include "db/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ledger ledger;

/* What an event is known by. */
typedef struct ledger_event {
    const char *player;
    int64_t seq;
    uint64_t xid;
    uint64_t at; /* as in db_event; 0: not known */
} ledger_event;

typedef enum ledger_verdict {
    LEDGER_NEW,
    LEDGER_KNOWN,
    LEDGER_OTHER, /* another event has been accepted as this player's seq: time has gone back */
} ledger_verdict;

ledger *ledger_new(void) __attribute__((warn_unused_result));
void ledger_free(ledger *l);

/* Forgets everything; there is no S until ledger_advance(). */
void ledger_reset(ledger *l);

/* S, or NULL. */
const snapshot *ledger_snapshot(const ledger *l);

/* A notification has come. New: accept it now. There must be an S. */
ledger_verdict ledger_notified(ledger *l, const ledger_event *e)
    __attribute__((warn_unused_result));

/* The rows of a difference follow. One that has broken off is forgotten. */
void ledger_begin_difference(ledger *l);

/* A row of it, read to catch up. New: accept it now. It is remembered, so that a catch-up which
 * breaks off half way can be started again. */
ledger_verdict ledger_caught_up(ledger *l, const ledger_event *e)
    __attribute__((warn_unused_result));

/* A row of it, read to audit. New: it is a suspect now, since `since_ms`, which may be yet to come.
 * by_worker: the delivery worker is to tell of it. */
ledger_verdict ledger_audited(ledger *l, const ledger_event *e, bool by_worker, uint64_t since_ms)
    __attribute__((warn_unused_result));

/* A row of it says that events of this player have been deleted: they need not be found. */
void ledger_pruned(ledger *l, const char *player);

/* After the rows: whether the database has all that was accepted and that `newer` sees; as the
 * server gave it, not lowered. */
bool ledger_fits(ledger *l, const snapshot *newer) __attribute__((warn_unused_result));

/* A newer snapshot, whose difference was read, becomes S. Takes it over. */
void ledger_advance(ledger *l, snapshot *newer);

/* Those that the worker is to tell of, and that are not in `told`, are suspects since
 * `since_ms`. */
void ledger_postpone(ledger *l, const snapshot *told, uint64_t since_ms);

/* Takes out one suspect that has been one since `since_ms` or longer: accept it now. The player's
 * name goes to `*player`, which the caller frees. False when there is none. */
bool ledger_take_suspect(ledger *l, uint64_t since_ms, char **player, int64_t *seq)
    __attribute__((warn_unused_result));

/* For metrics. */
size_t ledger_ahead_count(const ledger *l);
size_t ledger_suspect_count(const ledger *l);

#endif
