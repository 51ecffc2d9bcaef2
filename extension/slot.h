/*-------------------------------------------------------------------------
 *
 * slot.h
 *	  What the delivery worker of a database and its writers share.
 *
 * slot.c draws how they meet.  All of it needs the library to be preloaded;
 * ask slots_exist() first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_SLOT_H
#define UNICHAT_SLOT_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct delivery_slot delivery_slot;

extern void slots_init(void);
extern bool slots_exist(void);

/*
 * This database's slot.  slot_claim takes a free one if there is none yet, and
 * frees those of databases that are gone; NULL if all are taken.  slot_find
 * returns NULL if it has none.  A slot stays the database's until that is
 * dropped, so callers in a session may keep it.
 */
extern delivery_slot *slot_claim(void);
extern delivery_slot *slot_find(void);

/* Would slot_claim find a free one? */
extern bool slot_is_free(void);

/* Writers and listeners: is there a worker, or will there be one a moment later? */
extern bool slot_ensure_worker(delivery_slot *slot);

/* Writers, at commit: something is pending.  Cannot fail. */
extern void slot_wake(delivery_slot *slot, TimestampTz now);

/*
 * Ends the worker, and keeps it from coming back until somebody writes or
 * listens.  False: it has not ended within wait_ms.
 */
extern bool slot_stop_worker(delivery_slot *slot, int wait_ms);

/* The snapshot up to which everything is notified, as text, palloc'd. */
extern char *slot_position(delivery_slot *slot);

typedef struct slot_state
{
	bool		has_worker;		/* or will, or could */
	int			worker_pid;		/* 0: none now */
	int64		batches;
	int64		events;
	TimestampTz notified_at;	/* 0: never */
	TimestampTz pending_since;	/* of what is committed and not notified, the oldest; 0: all is notified */
} slot_state;

extern void slot_read(delivery_slot *slot, slot_state *state);

/*
 * The worker.  slot_enter: the slot that its argument and the bgw_extra of its
 * registration mean; NULL: it is not needed, or not any more.  slot_attach: from here on it is woken,
 * until it exits; false: there is another one.  slot_is_stopped: it should
 * exit.
 */
extern delivery_slot *slot_enter(Datum arg, Oid *database);
extern bool slot_attach(delivery_slot *slot);
extern bool slot_is_stopped(delivery_slot *slot);

/*
 * A round notifies what is visible in one snapshot and not in another, in
 * order of player and seq.
 */
typedef struct delivery_round
{
	MemoryContext context;		/* in which the rest is */
	char	   *from;			/* snapshots as text */
	char	   *to;				/* NULL: the one of now; else the round was begun before */
	char	   *player_id;		/* with it: this player and seq were the last to be notified */
	int64		seq;
} delivery_round;

/* Takes note of what is pending; call it before taking a snapshot. */
extern void slot_begin_round(delivery_slot *slot, delivery_round *round);

/* After a commit that notified so many events: as far as player_id and seq; or all. */
extern void slot_note_progress(delivery_slot *slot, const delivery_round *round, int64 events);
extern void slot_end_round(delivery_slot *slot, const delivery_round *round, int64 events);

#endif							/* UNICHAT_SLOT_H */
