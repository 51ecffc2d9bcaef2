/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The delivery worker of a database: notifies for all that has committed.
 *
 * Its loop: note what is pending, take a snapshot, notify what that sees and
 * the last one did not, wait to be woken.  slot.c and delivery.c say why nothing
 * is lost or doubled.
 *
 * A round is one transaction while it has less than PAGE_EVENTS, and else one
 * for each page of so many, which are read from a cursor that is held: however
 * much one transaction has stored, the worker's memory and the time for which it
 * holds the lock of NOTIFY stay small.  A transaction that notifies has an xid
 * and a commit record, as PostgreSQL wants it; nobody waits for its flush.
 *
 * It ends, and a later writer starts another, when the extension is gone and
 * when unichat_delivery_stop() says so; on an error, and when it is terminated, the
 * postmaster starts it again.  DROP DATABASE has to end it first, or WITH (FORCE)
 * does both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/twophase.h"
#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#include "announce.h"
#include "compat.h"
#include "plans.h"
#include "slot.h"

#define SWEEP_MS	1000
#define PAGE_EVENTS 1000

pg_noreturn extern PGDLLEXPORT void unichat_worker_main(Datum arg);

/*
 * The difference between snapshot $1 and this statement's own, or $2, behind
 * player $3 and seq $4 if they are given.  The snapshot comes with each row; there
 * is at least one row, without an event if there is none.
 */
static plan find_news = {
	"WITH news AS MATERIALIZED ("
	"  SELECT * FROM @.unichat_event_payloads WHERE NOT notified"
	"  AND (xid >= pg_snapshot_xmax($1::pg_snapshot) OR xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))))"
	"  AND ($2 IS NULL OR pg_visible_in_snapshot(xid, (SELECT $2::pg_snapshot)))"
	"  AND ($3 IS NULL OR (player_id, seq) > ($3, $4))"
	") SELECT now.position, " ANNOUNCE_COLUMNS
	" FROM (SELECT coalesce($2, pg_current_snapshot()::text) AS position) now LEFT JOIN news n ON true"
	" ORDER BY player_id, seq",
	4, {TEXTOID, TEXTOID, TEXTOID, INT8OID}
};

static Oid
find_extension(Oid *schema)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			extension = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum("unichat"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		extension = ((Form_pg_extension) GETSTRUCT(tuple))->oid;
		*schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return extension;
}

/*
 * The extension's schema, or none.  DROP EXTENSION locks the extension before
 * its tables; so do we, or each could wait for a table of the other:
 *
 *		worker: reads chat_events
 *									DROP: locks chat_requests
 *		worker: wants chat_requests	DROP: wants chat_events
 */
static Oid
extension_schema(void)
{
	Oid			schema;
	Oid			extension = find_extension(&schema);

	if (!OidIsValid(extension))
		return InvalidOid;
	LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
	return OidIsValid(find_extension(&schema)) ? schema : InvalidOid;
}

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
}

static void
end_transaction(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* The difference that the round is about, as a cursor that survives the transaction. */
static Portal
open_news(const delivery_round *round)
{
	arguments	args = {0};
	Portal		news;

	add_text(&args, round->from);
	add_text(&args, round->to);
	add_text(&args, round->player_id);
	add_datum(&args, Int64GetDatum(round->seq), round->player_id == NULL);
	news = plan_open(&find_news, &args);
	news->cursorOptions |= CURSOR_OPT_HOLD;
	return news;
}

/*
 * Notifies the next page; returns its size, and in round how far it goes.  The
 * last page is smaller than PAGE_EVENTS.
 */
static int64
notify_page(Portal news, delivery_round *round)
{
	MemoryContext keep = round->context;
	int64		events = 0;
	uint64		n;

	SPI_cursor_fetch(news, true, PAGE_EVENTS);
	n = SPI_processed;
	for (uint64 i = 0; i < n && row_text(i, 2) != NULL; i++, events++)
		announce_stored(i, 2);
	if (round->to == NULL)
		round->to = MemoryContextStrdup(keep, row_text(0, 1));
	if (events > 0)
	{
		round->player_id = MemoryContextStrdup(keep, row_text(events - 1, 3));
		round->seq = row_int8(events - 1, 4);
	}
	return events;
}

/* One round; false when the extension is gone. */
static bool
run_once(delivery_slot *slot)
{
	delivery_round round = {.context = CurrentMemoryContext};
	Portal		news = NULL;
	int64		events;
	Oid			schema;

	slot_begin_round(slot, &round);
	for (;;)
	{
		begin_transaction();
		schema = extension_schema();
		if (!OidIsValid(schema))
			return false;
		if (news == NULL)
			plans_free_outdated();
		plans_use_schema(schema);
		if (news == NULL)
			news = open_news(&round);
		events = notify_page(news, &round);
		if (events < PAGE_EVENTS)
			break;
		end_transaction();
		slot_note_progress(slot, &round, events);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(news);
	end_transaction();
	slot_end_round(slot, &round, events);
	pgstat_report_stat(false);
	return true;
}

/*
 * Whatever the database or the cluster says.  What came after a position is
 * little, and the planner's statistics do not know it.  As a reader of
 * SERIALIZABLE, a round would make writers fail; or wait, or fail itself.
 */
static void
settings(void)
{
	static const char *const off[] = {"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_memoize", "jit",
	"synchronous_commit", "default_transaction_read_only", "default_transaction_deferrable"};

	/* memoize clears a table of most of a megabyte for each round */
	for (int i = 0; i < lengthof(off); i++)
		SetConfigOption(off[i], "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET, PGC_S_OVERRIDE);
	/* should we meet a deadlock all the same, it is we who give way */
	SetConfigOption("deadlock_timeout", "50ms", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("search_path", "pg_catalog", PGC_USERSET, PGC_S_OVERRIDE);
}

void
unichat_worker_main(Datum arg)
{
	Oid			database;
	delivery_slot *slot = slot_enter(arg, &database);
	MemoryContext round_context;

	if (slot == NULL)
		proc_exit(0);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	settings();
	if (!slot_attach(slot))
		proc_exit(0);
	round_context = AllocSetContextCreate(TopMemoryContext, "unichat round", ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		pgstat_report_activity(STATE_RUNNING, "notifying");
		MemoryContextReset(round_context);
		MemoryContextSwitchTo(round_context);
		if (slot_is_stopped(slot) || !run_once(slot))
			proc_exit(0);
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (max_prepared_xacts > 0 ? WL_TIMEOUT : 0),
						 SWEEP_MS, PG_WAIT_EXTENSION);
	}
}
