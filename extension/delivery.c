/*-------------------------------------------------------------------------
 *
 * delivery.c
 *	  Who notifies: the writer's own transaction, or the delivery worker.
 *
 * A transaction that notifies holds a lock on the whole cluster from before
 * its WAL is flushed until after, so notifying commits run one after the
 * other and never share a flush.  With shared_preload_libraries = 'unichat',
 * writers only store their events, and one worker for each database notifies
 * them, many commits at a time, in a transaction of its own that writes no WAL.
 *
 * Shared memory has a slot for each database that uses this:
 *
 *		pending		set by a commit, cleared by the worker before it looks
 *		procno		the worker's PGPROC number + 1, whose latch a commit sets; or 0
 *		position	the snapshot up to which all is notified
 *
 *		writer								worker
 *		stores event, commits				ResetLatch
 *		(visible now)						pending := 0
 *		pending := 1; was 0: SetLatch		takes a snapshot, notifies the difference
 *											WaitLatch
 *
 * 1. The callback runs after the transaction has become visible, so whoever
 *	  finds pending set sees the event with the next snapshot.  A commit that
 *	  finds it set already need not wake anybody: the worker has still to clear
 *	  it, and to look after that.
 * 2. What is notified is the difference of two snapshots over chat_events.xid,
 *	  of rows that are not "notified" by their own transaction: nothing twice
 *	  and nothing left out, whatever the order of commits.
 * 3. The position survives the worker, so its successor goes on where it was.
 *	  It does not survive a crash of the server; but then no listener does
 *	  either, and all of them catch up from the table when they are back.
 * 4. COMMIT PREPARED runs no callback of ours; the worker looks by itself every
 *	  second when prepared transactions are possible at all.
 * 5. Writers start the worker: the first to find none; and if it fails before
 *	  it has done anything, not again within START_INTERVAL.  While there is none
 *	  to be had (max_worker_processes is used up), or there are more databases than
 *	  slots, they notify by themselves.
 * 6. If the worker ends between a writer's decision and its commit, the events
 *	  wait for the next writer, or for a listener that audits itself.
 *
 * The callback at commit must not fail: an error there is a PANIC.  It does
 * nothing but an atomic exchange and SetLatch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/twophase.h"
#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "compat.h"
#include "delivery.h"

#define SLOTS				16
#define START_INTERVAL_MS	5000
#define XID_TEXT_BYTES		21	/* a 64-bit number and a separator */

struct delivery_slot
{
	Oid			database;		/* 0: free */
	pg_atomic_uint32 pending;
	pg_atomic_uint32 procno;
	/* the rest under the lock */
	int			pid;
	TimestampTz started;		/* when a worker was asked for that has not done a round yet, or 0 */
	TimestampTz notified_at;
	int64		batches;
	int64		events;
	char		position[FLEXIBLE_ARRAY_MEMBER];
};

typedef struct delivery_shared
{
	LWLock	   *lock;
	char		slots[FLEXIBLE_ARRAY_MEMBER];
} delivery_shared;

PG_FUNCTION_INFO_V1(unichat_delivery);

static const struct config_enum_entry modes[] = {
	{"auto", DELIVERY_AUTO, false},
	{"worker", DELIVERY_WORKER, false},
	{"transaction", DELIVERY_TRANSACTION, false},
	{"none", DELIVERY_NONE, false},
	{NULL, 0, false}
};

static int	delivery = DELIVERY_AUTO;
static delivery_shared *shared = NULL;	/* NULL: not preloaded */
static delivery_slot *mine = NULL;	/* of this session's database */
static bool wake_at_commit = false;
static delivery_slot *attached = NULL;	/* in the worker */

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/* A snapshot lists what is running: at most every backend and every prepared transaction. */
static Size
position_bytes(void)
{
	return (MaxBackends + max_prepared_xacts + 2) * XID_TEXT_BYTES + 1;
}

static Size
slot_bytes(void)
{
	return MAXALIGN(offsetof(delivery_slot, position) + position_bytes());
}

static Size
shared_bytes(void)
{
	return MAXALIGN(offsetof(delivery_shared, slots)) + SLOTS * slot_bytes();
}

delivery_slot *
delivery_slot_at(int index)
{
	return (delivery_slot *) ((char *) shared + MAXALIGN(offsetof(delivery_shared, slots)) + index * slot_bytes());
}

Oid
delivery_database(const delivery_slot *slot)
{
	return slot->database;
}

static void
request_shmem(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(shared_bytes());
	RequestNamedLWLockTranche("unichat", 1);
}

static void
startup_shmem(void)
{
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("unichat", shared_bytes(), &found);
	if (!found)
	{
		memset(shared, 0, shared_bytes());
		shared->lock = &GetNamedLWLockTranche("unichat")->lock;
		for (int i = 0; i < SLOTS; i++)
		{
			pg_atomic_init_u32(&delivery_slot_at(i)->pending, 0);
			pg_atomic_init_u32(&delivery_slot_at(i)->procno, 0);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

/*
 * A position before everything that this transaction, or any that still runs,
 * has done or will do.
 */
static void
set_first_position(delivery_slot *slot)
{
	Datum		now = DirectFunctionCall1(pg_current_snapshot, (Datum) 0);
	uint64		xmin = U64FromFullTransactionId(DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmin, now)));

	snprintf(slot->position, position_bytes(), UINT64_FORMAT ":" UINT64_FORMAT ":", xmin, xmin);
}

/* Nobody uses it, or nobody has for a while: a database that may be gone by now. */
static bool
is_spare(delivery_slot *slot)
{
	return slot->database == InvalidOid ||
		(pg_atomic_read_u32(&slot->procno) == 0 && pg_atomic_read_u32(&slot->pending) == 0 && slot->started == 0);
}

/* This database's slot, made if there is none; NULL if all are taken. */
static delivery_slot *
find_slot(void)
{
	delivery_slot *spare = NULL;

	for (int i = 0; i < SLOTS; i++)
	{
		delivery_slot *slot = delivery_slot_at(i);

		if (slot->database == MyDatabaseId)
			return slot;
		if (is_spare(slot) && (spare == NULL || spare->database != InvalidOid))
			spare = slot;
	}
	if (spare != NULL)
	{
		set_first_position(spare);
		spare->started = 0;
		spare->notified_at = 0;
		spare->batches = spare->events = 0;
		spare->database = MyDatabaseId;
	}
	return spare;
}

/* Asks the postmaster for a worker, which will run a moment later. */
static bool
start_worker(delivery_slot *slot)
{
	BackgroundWorker worker;
	int			index = ((char *) slot - (char *) delivery_slot_at(0)) / slot_bytes();

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;	/* the next writer does */
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "unichat");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "unichat_worker_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "unichat delivery for database %u", MyDatabaseId);
	snprintf(worker.bgw_type, BGW_MAXLEN, "unichat delivery");
	worker.bgw_main_arg = Int32GetDatum(index);
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* Is there a worker, or will there be one? */
static bool
ensure_worker(void)
{
	TimestampTz now;
	bool		running;

	if (mine != NULL && mine->database == MyDatabaseId && pg_atomic_read_u32(&mine->procno) != 0)
		return true;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	mine = find_slot();
	running = mine != NULL;
	now = GetCurrentTimestamp();
	if (running && pg_atomic_read_u32(&mine->procno) == 0 &&
		TimestampDifferenceExceeds(mine->started, now, START_INTERVAL_MS))
	{
		running = start_worker(mine);
		if (running)
			mine->started = now;
	}
	LWLockRelease(shared->lock);
	return running;
}

delivery_mode
delivery_decide(void)
{
	if (delivery == DELIVERY_NONE || delivery == DELIVERY_TRANSACTION)
		return delivery;
	if (shared == NULL || !ensure_worker())
		return DELIVERY_TRANSACTION;
	wake_at_commit = true;
	return DELIVERY_WORKER;
}

static void
wake_worker(void)
{
	uint32		procno;

	if (pg_atomic_exchange_u32(&mine->pending, 1) != 0)
		return;
	procno = pg_atomic_read_u32(&mine->procno);
	if (procno != 0)
		SetLatch(&ProcGlobal->allProcs[procno - 1].procLatch);
}

/* Registered once.  Nothing in here may fail. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT && wake_at_commit)
		wake_worker();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		wake_at_commit = false;
}

void
delivery_init(void)
{
	DefineCustomEnumVariable("unichat.delivery",
							 "Who notifies listeners of new events.",
							 "auto: the delivery worker if unichat is in shared_preload_libraries, else the writing transaction.",
							 &delivery, DELIVERY_AUTO, modes, PGC_SUSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(at_transaction_end, NULL);
	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}

static void
detach(int code, Datum arg)
{
	pg_atomic_write_u32(&attached->procno, 0);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	attached->pid = 0;
	LWLockRelease(shared->lock);
}

void
delivery_attach(delivery_slot *slot)
{
	attached = slot;
	before_shmem_exit(detach, (Datum) 0);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot->pid = MyProcPid;
	LWLockRelease(shared->lock);
	pg_atomic_write_u32(&slot->procno, my_procno() + 1);
}

void
delivery_clear_pending(delivery_slot *slot)
{
	/* a full barrier: what was committed before is seen by the next snapshot */
	(void) pg_atomic_exchange_u32(&slot->pending, 0);
}

/* Only the worker writes the position. */
char *
delivery_position(delivery_slot *slot)
{
	return pstrdup(slot->position);
}

void
delivery_advance(delivery_slot *slot, const char *position, int64 events)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot->started = 0;
	if (strlen(position) < position_bytes())
		strcpy(slot->position, position);
	if (events > 0)
	{
		slot->batches++;
		slot->events += events;
		slot->notified_at = GetCurrentTimestamp();
	}
	LWLockRelease(shared->lock);
}

/*
 * unichat_delivery(): what is in force for this session, and how the worker of
 * this database fares.
 */
Datum
unichat_delivery(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[5] = {0};
	bool		nulls[5] = {false, true, true, true, true};
	bool		by_worker = shared != NULL && (delivery == DELIVERY_AUTO || delivery == DELIVERY_WORKER);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(delivery == DELIVERY_NONE ? "none" : by_worker ? "worker" : "transaction");
	for (int i = 0; shared != NULL && i < SLOTS; i++)
	{
		delivery_slot *slot = delivery_slot_at(i);

		LWLockAcquire(shared->lock, LW_SHARED);
		if (slot->database == MyDatabaseId)
		{
			values[1] = Int32GetDatum(slot->pid);
			nulls[1] = slot->pid == 0;
			values[2] = Int64GetDatum(slot->batches);
			values[3] = Int64GetDatum(slot->events);
			values[4] = TimestampTzGetDatum(slot->notified_at);
			nulls[4] = slot->notified_at == 0;
			nulls[2] = nulls[3] = false;
		}
		LWLockRelease(shared->lock);
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
