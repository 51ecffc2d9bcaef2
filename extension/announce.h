/*-------------------------------------------------------------------------
 *
 * announce.h
 *	  Tells the listeners of events, when this transaction commits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_ANNOUNCE_H
#define UNICHAT_ANNOUNCE_H

#include "payload.h"

/* An event that this transaction has stored. */
extern void announce(const chat_event *e);

/* What announce_stored wants of unichat_event_payloads. */
#define ANNOUNCE_COLUMNS "payload, player_id, seq, request_id, kind, xid::text"

/* One that is stored already: a row of SPI_tuptable, with these columns from this one on. */
extern void announce_stored(uint64 row, int first);

/*
 * The player's events before seq that were left to the worker, and that the
 * snapshot (as text) does not see.
 */
extern void announce_outstanding(const char *player_id, int64 seq, const char *snapshot);

#endif							/* UNICHAT_ANNOUNCE_H */
