/*-------------------------------------------------------------------------
 *
 * slot.c
 *	  What the delivery worker of a database and its writers share.
 *
 * Shared memory has a slot for each database whose writers leave notifying to a
 * worker:
 *
 *		pending		0, or since when something has been pending: set by a
 *					commit, cleared by the worker before it looks
 *		procno		the worker's PGPROC number + 1, whose latch a commit sets; or 0
 *		position	the snapshot up to which all is notified
 *
 *		writer								worker
 *		stores event, commits				ResetLatch
 *		(visible now)						pending := 0
 *		pending := now; was 0: SetLatch		takes a snapshot, notifies the difference
 *											WaitLatch
 *
 * 1. The callback runs after the transaction has become visible, so whoever
 *	  finds pending set sees the event with the next snapshot.  A commit that
 *	  finds it set already need not wake anybody: the worker has still to clear
 *	  it, and to look after that.
 * 2. The position survives the worker, so its successor goes on where it was.
 *	  It does not survive a crash of the server; but then no listener does
 *	  either, and all of them catch up from the table when they are back.
 * 3. A large round is notified in several transactions.  How far it has come
 *	  (which player and seq, of which snapshot) is noted after each, so that a
 *	  successor goes on in the middle, without a repeat or a gap.
 * 4. A worker is started by whoever writes or listens and finds none; if it
 *	  fails before it has done anything, not again within START_INTERVAL.  One
 *	  that ends by an error or by pg_terminate_backend() is started again by the
 *	  postmaster, a second later: what it has left behind is notified although
 *	  nobody writes.  Not if its database is gone, if it was stopped by
 *	  unichat_delivery_stop(), or if it has failed FAILURES times in a row.
 *	  A worker that was slow to start may find another one at its slot; then it
 *	  leaves.
 * 5. A slot is its database's as long as that exists.  One without a worker may
 *	  have events to notify of, and writers that are about to commit.
 *
 * Under the lock, nothing is called that may fail.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "access/twophase.h"
#include "common/relpath.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/fmgrprotos.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
#include "utils/xid8.h"

#include "compat.h"
#include "slot.h"
#include "words.h"

#define SLOTS				16
#define START_INTERVAL_MS	5000
#define RESTART_SECONDS		1
#define FAILURES			5
#define XID_TEXT_BYTES		21	/* a 64-bit number and a separator */

struct delivery_slot
{
	Oid			database;		/* 0: free */
	Oid			tablespace;		/* where the database is */
	pg_atomic_uint64 pending;
	pg_atomic_uint32 procno;
	/* the rest under the lock */
	int			pid;
	int			failures;		/* workers in a row that have not come to the end of a round */
	bool		stopped;		/* until a worker is needed again */
	bool		refused;		/* there was none to be had */
	TimestampTz started;		/* when a worker was asked for that has not done a round yet, or 0 */
	TimestampTz working_since;	/* what the round under way has found pending, since then; or 0 */
	TimestampTz notified_at;
	int64		batches;
	int64		events;
	/* of the round that is half done, if target is not empty */
	char		player_id[MAX_PLAYER_ID_BYTES + 1];
	int64		seq;
	char		snapshots[FLEXIBLE_ARRAY_MEMBER];	/* position, target */
};

typedef struct slots
{
	LWLock	   *lock;
	char		slots[FLEXIBLE_ARRAY_MEMBER];
} slots;

/* What a worker is told besides the number of its slot. */
typedef struct worker_extra
{
	Oid			database;
} worker_extra;

static slots *shared = NULL;	/* NULL: not preloaded */
static delivery_slot *attached = NULL;	/* in the worker */

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/* A snapshot lists what is running: at most every backend and every prepared transaction. */
static Size
snapshot_bytes(void)
{
	return (MaxBackends + max_prepared_xacts + 2) * XID_TEXT_BYTES + 1;
}

static Size
slot_bytes(void)
{
	return MAXALIGN(offsetof(delivery_slot, snapshots) + 2 * snapshot_bytes());
}

static Size
shared_bytes(void)
{
	return MAXALIGN(offsetof(slots, slots)) + SLOTS * slot_bytes();
}

static delivery_slot *
slot_at(int index)
{
	return (delivery_slot *) ((char *) shared + MAXALIGN(offsetof(slots, slots)) + index * slot_bytes());
}

static char *
position_of(delivery_slot *slot)
{
	return slot->snapshots;
}

static char *
target_of(delivery_slot *slot)
{
	return slot->snapshots + snapshot_bytes();
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
			pg_atomic_init_u64(&slot_at(i)->pending, 0);
			pg_atomic_init_u32(&slot_at(i)->procno, 0);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

void
slots_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}

bool
slots_exist(void)
{
	return shared != NULL;
}

/*
 * A position before everything that this transaction, or any that still runs,
 * has done or will do.
 */
static char *
first_position(void)
{
	Datum		now = DirectFunctionCall1(pg_current_snapshot, (Datum) 0);
	uint64		xmin = U64FromFullTransactionId(DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmin, now)));

	return psprintf(UINT64_FORMAT ":" UINT64_FORMAT ":", xmin, xmin);
}

/* The slot of a database, or of none; under the lock. */
static delivery_slot *
find(Oid database)
{
	for (int i = 0; i < SLOTS; i++)
	{
		if (slot_at(i)->database == database)
			return slot_at(i);
	}
	return NULL;
}

delivery_slot *
slot_find(void)
{
	delivery_slot *slot;

	LWLockAcquire(shared->lock, LW_SHARED);
	slot = find(MyDatabaseId);
	LWLockRelease(shared->lock);
	return slot;
}

bool
slot_is_free(void)
{
	bool		is_free = false;

	for (int i = 0; i < SLOTS && !is_free; i++)
	{
		Oid			database = slot_at(i)->database;

		is_free = database == InvalidOid || !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
	}
	return is_free;
}

static void
take(delivery_slot *slot, const char *position)
{
	pg_atomic_write_u64(&slot->pending, 0);
	slot->tablespace = MyDatabaseTableSpace;
	slot->failures = 0;
	slot->stopped = slot->refused = false;
	slot->started = slot->working_since = slot->notified_at = 0;
	slot->batches = slot->events = 0;
	strlcpy(position_of(slot), position, snapshot_bytes());
	target_of(slot)[0] = '\0';
	slot->database = MyDatabaseId;
}

static delivery_slot *
find_or_take(const char *position)
{
	delivery_slot *slot;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot = find(MyDatabaseId);
	if (slot == NULL && (slot = find(InvalidOid)) != NULL)
		take(slot, position);
	LWLockRelease(shared->lock);
	return slot;
}

/* Frees those of databases that are gone. */
static void
free_slots(void)
{
	for (int i = 0; i < SLOTS; i++)
	{
		delivery_slot *slot = slot_at(i);
		Oid			database = slot->database;

		if (database == InvalidOid || SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database)))
			continue;
		LWLockAcquire(shared->lock, LW_EXCLUSIVE);
		if (slot->database == database)
			slot->database = InvalidOid;
		LWLockRelease(shared->lock);
	}
}

delivery_slot *
slot_claim(void)
{
	delivery_slot *slot = slot_find();
	char	   *position;

	if (slot != NULL)
		return slot;
	position = first_position();
	slot = find_or_take(position);
	if (slot == NULL)
	{
		free_slots();
		slot = find_or_take(position);
	}
	pfree(position);
	return slot;
}

/* Asks the postmaster for a worker, which will run a moment later. */
static bool
register_worker(delivery_slot *slot)
{
	BackgroundWorker worker;
	worker_extra extra = {MyDatabaseId};

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "unichat");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "unichat_worker_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "unichat delivery for database %u", MyDatabaseId);
	snprintf(worker.bgw_type, BGW_MAXLEN, "unichat delivery");
	worker.bgw_main_arg = Int32GetDatum((int32) (((char *) slot - (char *) slot_at(0)) / slot_bytes()));
	memcpy(worker.bgw_extra, &extra, sizeof(extra));
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* Is it for us to start one?  Then nobody else does, for a while. */
static bool
take_turn_to_start(delivery_slot *slot)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		ours;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	ours = slot->pid == 0 && TimestampDifferenceExceeds(slot->started, now, START_INTERVAL_MS);
	if (ours)
	{
		slot->started = now;
		slot->tablespace = MyDatabaseTableSpace;
		slot->failures = 0;
		slot->stopped = false;
	}
	LWLockRelease(shared->lock);
	return ours;
}

bool
slot_ensure_worker(delivery_slot *slot)
{
	bool		registered;

	if (pg_atomic_read_u32(&slot->procno) != 0)
		return true;
	if (!take_turn_to_start(slot))
		return !slot->refused;
	registered = register_worker(slot);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot->refused = !registered;
	if (!registered)
		slot->started = 0;
	LWLockRelease(shared->lock);
	return registered;
}

void
slot_wake(delivery_slot *slot, TimestampTz now)
{
	uint64		nothing = 0;
	uint32		procno;

	if (!pg_atomic_compare_exchange_u64(&slot->pending, &nothing, (uint64) now))
		return;
	procno = pg_atomic_read_u32(&slot->procno);
	if (procno != 0)
		SetLatch(&ProcGlobal->allProcs[procno - 1].procLatch);
}

static bool
has_ended(delivery_slot *slot)
{
	bool		ended;

	LWLockAcquire(shared->lock, LW_SHARED);
	ended = slot->pid == 0;
	LWLockRelease(shared->lock);
	return ended;
}

bool
slot_stop_worker(delivery_slot *slot, int wait_ms)
{
	uint32		procno;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot->stopped = true;
	slot->started = 0;
	procno = pg_atomic_read_u32(&slot->procno);
	LWLockRelease(shared->lock);
	if (procno != 0)
		SetLatch(&ProcGlobal->allProcs[procno - 1].procLatch);
	for (; wait_ms > 0 && !has_ended(slot); wait_ms -= 10)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return has_ended(slot);
}

char *
slot_position(delivery_slot *slot)
{
	char	   *copy = palloc(snapshot_bytes());

	LWLockAcquire(shared->lock, LW_SHARED);
	strcpy(copy, position_of(slot));
	LWLockRelease(shared->lock);
	return copy;
}

void
slot_read(delivery_slot *slot, slot_state *state)
{
	LWLockAcquire(shared->lock, LW_SHARED);
	state->has_worker = !slot->refused;
	state->worker_pid = slot->pid;
	state->batches = slot->batches;
	state->events = slot->events;
	state->notified_at = slot->notified_at;
	state->pending_since = slot->working_since;
	if (state->pending_since == 0)
		state->pending_since = (TimestampTz) pg_atomic_read_u64(&slot->pending);
	LWLockRelease(shared->lock);
}

/* ----- the worker ----- */

/*
 * A worker whose database was dropped cannot connect, and the postmaster would
 * try once a second.  No catalog can be asked before connecting; a database's
 * folder goes with it.
 */
static bool
is_dropped(delivery_slot *slot)
{
	char	   *folder = GetDatabasePath(slot->database, slot->tablespace);
	char	   *version = psprintf("%s/PG_VERSION", folder);
	bool		dropped = access(version, F_OK) != 0 && errno == ENOENT;

	pfree(version);
	pfree(folder);
	return dropped;
}

delivery_slot *
slot_enter(Datum arg, Oid *database)
{
	delivery_slot *slot = slot_at(DatumGetInt32(arg));
	worker_extra extra;
	bool		needed;

	memcpy(&extra, MyBgworkerEntry->bgw_extra, sizeof(extra));
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	needed = slot->database == extra.database && !slot->stopped && slot->failures < FAILURES;
	slot->failures++;
	LWLockRelease(shared->lock);
	*database = extra.database;
	return needed && !is_dropped(slot) ? slot : NULL;
}

static void
detach(int code, Datum arg)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	attached->pid = 0;
	pg_atomic_write_u32(&attached->procno, 0);
	LWLockRelease(shared->lock);
}

bool
slot_attach(delivery_slot *slot)
{
	bool		ours;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	ours = slot->pid == 0 && slot->database == MyDatabaseId;
	if (ours)
	{
		slot->pid = MyProcPid;
		pg_atomic_write_u32(&slot->procno, my_procno() + 1);
	}
	LWLockRelease(shared->lock);
	if (!ours)
		return false;
	attached = slot;
	before_shmem_exit(detach, (Datum) 0);
	return true;
}

bool
slot_is_stopped(delivery_slot *slot)
{
	bool		stopped;

	LWLockAcquire(shared->lock, LW_SHARED);
	stopped = slot->stopped;
	LWLockRelease(shared->lock);
	return stopped;
}

/*
 * Only the worker writes what is copied here, so it needs no lock to read it.
 * Clearing is a full barrier: what was committed before is seen by the next
 * snapshot.
 */
void
slot_begin_round(delivery_slot *slot, delivery_round *round)
{
	TimestampTz since = (TimestampTz) pg_atomic_exchange_u64(&slot->pending, 0);
	bool		half_done = target_of(slot)[0] != '\0';

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (slot->working_since == 0)
		slot->working_since = since;
	LWLockRelease(shared->lock);
	round->from = pstrdup(position_of(slot));
	round->to = half_done ? pstrdup(target_of(slot)) : NULL;
	round->player_id = half_done ? pstrdup(slot->player_id) : NULL;
	round->seq = half_done ? slot->seq : 0;
}

static void
count_batch(delivery_slot *slot, int64 events, TimestampTz now)
{
	slot->started = 0;
	slot->failures = 0;
	if (events == 0)
		return;
	slot->batches++;
	slot->events += events;
	slot->notified_at = now;
}

static void
check_length(const char *snapshot)
{
	if (strlen(snapshot) >= snapshot_bytes())
		elog(ERROR, "a snapshot of %zu bytes is longer than any can be", strlen(snapshot));
}

void
slot_note_progress(delivery_slot *slot, const delivery_round *round, int64 events)
{
	TimestampTz now = GetCurrentTimestamp();

	check_length(round->to);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	count_batch(slot, events, now);
	strcpy(target_of(slot), round->to);
	strlcpy(slot->player_id, round->player_id, sizeof(slot->player_id));
	slot->seq = round->seq;
	LWLockRelease(shared->lock);
}

void
slot_end_round(delivery_slot *slot, const delivery_round *round, int64 events)
{
	TimestampTz now = GetCurrentTimestamp();

	check_length(round->to);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	count_batch(slot, events, now);
	strcpy(position_of(slot), round->to);
	target_of(slot)[0] = '\0';
	slot->working_since = 0;
	LWLockRelease(shared->lock);
}
