/*-------------------------------------------------------------------------
 *
 * delivery.h
 *	  Who notifies: the writer's own transaction, or the delivery worker.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_DELIVERY_H
#define UNICHAT_DELIVERY_H

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

/*
 * The same whatever the setting says.  False: there is no worker to be had.
 */
extern bool delivery_leave_to_worker(void);

/*
 * Somebody is going to listen.  What no writer wakes a worker for, as a COMMIT
 * PREPARED does not, is notified by one that runs; so from here on one does,
 * where writers would leave it to one.
 */
extern void delivery_is_awaited(void);

/*
 * The snapshot up to which the worker has notified everything, as text,
 * palloc'd; NULL if nothing has been left to a worker.
 */
extern char *delivery_worker_position(void);

extern void delivery_init(void);

#endif							/* UNICHAT_DELIVERY_H */
