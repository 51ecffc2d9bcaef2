/* ledger.h - which events have been accepted for delivery, so that each is, exactly once. Pure.
 *
 * Accepted is
 *
 *     what the snapshot S sees, without `suspects`, and with `ahead`
 *
 * ahead      accepted from a notification, not seen by S: their transactions ended after S was
 * taken suspects   seen by S, but no notification has come. It may still be on its way: the
 * transaction became visible before the listening session was told. A suspect that stays one is a
 * lost notification.
 *
 *     writer                      bridge
 *     commit: row visible
 *                                 audit: takes S, finds the row, it is not accepted  -> suspect
 *     notification
 *                                 hears it: its xid is seen by S, but it is a suspect -> accept, no
 * longer a suspect hears it again                                      -> a duplicate
 */
#ifndef UNICHAT_DB_LEDGER_H
#define UNICHAT_DB_LEDGER_H

#include "db/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ledger ledger;

ledger *ledger_new(void) __attribute__((warn_unused_result));
void ledger_free(ledger *l);

/* Forgets everything; there is no S until ledger_advance(). */
void ledger_reset(ledger *l);

/* S, or NULL. */
const snapshot *ledger_snapshot(const ledger *l);

/* A notification has come. True: accept it now. False: it is a duplicate. There must be an S. */
bool ledger_notified(ledger *l, const char *player, int64_t seq, uint64_t xid)
    __attribute__((warn_unused_result));

/* A row of the difference between S and a newer snapshot, read to catch up. True: accept it now. It
 * is remembered, so that a catch-up which breaks off half way can be started again. */
bool ledger_caught_up(ledger *l, const char *player, int64_t seq, uint64_t xid)
    __attribute__((warn_unused_result));

/* A row of that difference, read to audit: becomes a suspect unless it was accepted. */
void ledger_audited(ledger *l, const char *player, int64_t seq, uint64_t now_ms);

/* After the rows: the newer snapshot becomes S. Takes it over. */
void ledger_advance(ledger *l, snapshot *newer);

/* Takes out one suspect that has been one since `since_ms` or longer: accept it now. The player's
 * name goes to `*player`, which the caller frees. False when there is none. */
bool ledger_take_suspect(ledger *l, uint64_t since_ms, char **player, int64_t *seq)
    __attribute__((warn_unused_result));

/* For metrics. */
size_t ledger_ahead_count(const ledger *l);
size_t ledger_suspect_count(const ledger *l);

#endif
