/*-------------------------------------------------------------------------
 *
 * delivery.c
 *	  Who notifies: the writer's own transaction, or the delivery worker.
 *
 * A transaction that notifies holds a lock on the whole cluster from before
 * its WAL is flushed until after, so notifying commits run one after the
 * other and never share a flush.  With shared_preload_libraries = 'unichat',
 * writers only store their events, and one worker for each database notifies
 * them, many commits at a time, in transactions of its own that flush nothing.
 *
 * 1. What the worker notifies is the difference of two snapshots over
 *	  chat_events.xid, of rows that are not "notified" by their own transaction:
 *	  nothing twice and nothing left out, whatever the order of commits.
 * 2. A commit wakes it (slot.c).  COMMIT PREPARED runs no callback of ours, so
 *	  the worker looks by itself every second when prepared transactions are
 *	  possible at all; that there is a worker, who listens sees to.
 * 3. While there is none to be had (max_worker_processes is used up), or there
 *	  are more databases than slots, writers notify by themselves.
 * 4. Where some transactions notify by themselves, an event still goes to the
 *	  worker while it has to tell of the player's event before it (event.c).
 *
 * The callback at commit must not fail: an error there is a PANIC.  It does
 * nothing but an atomic exchange and SetLatch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "delivery.h"
#include "slot.h"

#define STOP_WAIT_MS 10000

PG_FUNCTION_INFO_V1(unichat_delivery);
PG_FUNCTION_INFO_V1(unichat_delivery_stop);

static const struct config_enum_entry modes[] = {
	{"auto", DELIVERY_AUTO, false},
	{"worker", DELIVERY_WORKER, false},
	{"transaction", DELIVERY_TRANSACTION, false},
	{"none", DELIVERY_NONE, false},
	{NULL, 0, false}
};

static int	delivery = DELIVERY_AUTO;
static delivery_slot *mine = NULL;	/* of this session's database, once it has one */
static bool wake_at_commit = false;

static bool
have_worker(void)
{
	if (!slots_exist())
		return false;
	if (mine == NULL)
		mine = slot_claim();
	return mine != NULL && slot_ensure_worker(mine);
}

bool
delivery_leave_to_worker(void)
{
	if (!have_worker())
		return false;
	wake_at_commit = true;
	return true;
}

static bool
is_left_to_worker(void)
{
	return delivery == DELIVERY_AUTO || delivery == DELIVERY_WORKER;
}

delivery_mode
delivery_decide(void)
{
	if (!is_left_to_worker())
		return delivery;
	return delivery_leave_to_worker() ? DELIVERY_WORKER : DELIVERY_TRANSACTION;
}

void
delivery_is_awaited(void)
{
	if (is_left_to_worker())
		(void) have_worker();
}

char *
delivery_worker_position(void)
{
	delivery_slot *slot = slots_exist() ? slot_find() : NULL;

	return slot == NULL ? NULL : slot_position(slot);
}

/* Registered once.  Nothing in here may fail. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT && wake_at_commit)
		slot_wake(mine, GetCurrentTransactionStopTimestamp());
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
	slots_init();
}

/* What this session's next event would be given to, without giving it anything. */
static const char *
mode_in_force(delivery_slot *slot)
{
	slot_state	state;

	if (delivery == DELIVERY_NONE)
		return "none";
	if (!is_left_to_worker() || !slots_exist())
		return "transaction";
	if (slot == NULL)
		return slot_is_free() ? "worker" : "transaction";
	slot_read(slot, &state);
	return state.has_worker ? "worker" : "transaction";
}

static Datum
lag_of(const slot_state *state)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz since = state->pending_since ? Min(state->pending_since, now) : now;

	return DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(now), TimestampTzGetDatum(since));
}

/*
 * unichat_delivery(): what is in force for this session, and how the worker of
 * this database fares.
 */
Datum
unichat_delivery(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[7] = {0};
	bool		nulls[7] = {false, true, true, true, true, true, true};
	delivery_slot *slot = slots_exist() ? slot_find() : NULL;
	slot_state	state;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(mode_in_force(slot));
	if (slot != NULL)
	{
		slot_read(slot, &state);
		values[1] = Int32GetDatum(state.worker_pid);
		nulls[1] = state.worker_pid == 0;
		values[2] = Int64GetDatum(state.batches);
		values[3] = Int64GetDatum(state.events);
		values[4] = TimestampTzGetDatum(state.notified_at);
		nulls[4] = state.notified_at == 0;
		values[5] = lag_of(&state);
		values[6] = DirectFunctionCall1(pg_snapshot_in, CStringGetDatum(slot_position(slot)));
		nulls[2] = nulls[3] = nulls[5] = nulls[6] = false;
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * unichat_delivery_stop(): for what nobody may be connected to the database
 * for.  True if there is no worker, or none any more.
 */
Datum
unichat_delivery_stop(PG_FUNCTION_ARGS)
{
	delivery_slot *slot = slots_exist() ? slot_find() : NULL;

	PG_RETURN_BOOL(slot == NULL || slot_stop_worker(slot, STOP_WAIT_MS));
}
