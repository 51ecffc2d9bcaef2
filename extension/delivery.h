/*-------------------------------------------------------------------------
 *
 * delivery.h
 *	  Who notifies: the writer's own transaction, or the delivery worker.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_DELIVERY_H
#define UNICHAT_DELIVERY_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* unichat.delivery */
typedef enum delivery_mode
{
	DELIVERY_AUTO,				/* the worker if the library was preloaded */
	DELIVERY_WORKER,
	DELIVERY_TRANSACTION,
	DELIVERY_NONE				/* nobody is told; listeners find it later */
} delivery_mode;

/*
 * Decides for an event that is about to be stored.  DELIVERY_WORKER: a worker
 * runs or has been started, and will be woken when this transaction commits.
 * Else DELIVERY_TRANSACTION or DELIVERY_NONE.
 */
extern delivery_mode delivery_decide(void);

extern void delivery_init(void);

/* For the worker, whose slot it is; see delivery.c. */
typedef struct delivery_slot delivery_slot;

extern delivery_slot *delivery_slot_at(int index);
extern Oid	delivery_database(const delivery_slot *slot);

/* From here on writers wake this process; until it exits. */
extern void delivery_attach(delivery_slot *slot);

/* Takes note of what is pending.  Call it before taking a snapshot. */
extern void delivery_clear_pending(delivery_slot *slot);

/* The snapshot up to which everything is notified, as text, palloc'd. */
extern char *delivery_position(delivery_slot *slot);
extern void delivery_advance(delivery_slot *slot, const char *position, int64 events);

#endif							/* UNICHAT_DELIVERY_H */
