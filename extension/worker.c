/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The delivery worker of a database: notifies for all that has committed.
 *
 * Its loop: note what is pending, take a snapshot, notify what that sees and
 * the last one did not, wait to be woken.  One transaction for each round; it
 * reads and notifies, so it has no xid, writes no WAL, and holds the lock of
 * NOTIFY for microseconds.  delivery.c says why nothing is lost or doubled.
 *
 * It ends, and a later writer starts another, when it is told to terminate,
 * when the extension is gone, and on any error.  DROP DATABASE has to terminate
 * it first: unichat_delivery() shows its pid, and WITH (FORCE) does both.
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
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#include "announce.h"
#include "delivery.h"
#include "plans.h"

#define SWEEP_MS 1000

extern PGDLLEXPORT void unichat_worker_main(Datum arg) pg_attribute_noreturn();

/*
 * The difference between snapshot $1 and this statement's own, which comes with
 * each row; at least one row, without an event if there is none.
 */
static plan find_news = {
	"WITH news AS MATERIALIZED ("
	"  SELECT * FROM @.unichat_event_payloads WHERE NOT notified"
	"  AND (xid >= pg_snapshot_xmax($1::pg_snapshot) OR xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))))"
	") SELECT now.position, n.payload, n.player_id, n.seq, n.request_id, n.kind, n.xid::text"
	" FROM (SELECT pg_current_snapshot()::text AS position) now LEFT JOIN news n ON true"
	" ORDER BY n.player_id, n.seq",
	1, {TEXTOID}
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
notify_row(uint64 i)
{
	char	   *payload = row_text(i, 2);
	chat_event	e = {0};

	if (!announce_whole(strlen(payload)))
	{
		e.player_id = row_text(i, 3);
		e.seq = row_int8(i, 4);
		e.request_id = row_int8(i, 5);
		e.kind = row_text(i, 6);
		e.xid = strtou64(row_text(i, 7), NULL, 10);
		payload = payload_reference(&e);
	}
	announce_payload(payload);
}

/* Notifies the difference from position; returns its size, and the new position. */
static int64
notify_news(char **position)
{
	arguments	args = {0};
	MemoryContext outer = CurrentMemoryContext;
	int64		events = 0;
	uint64		n;

	add_text(&args, *position);
	n = plan_run(&find_news, &args);
	*position = MemoryContextStrdup(TopTransactionContext, row_text(0, 1));
	for (uint64 i = 0; i < n; i++)
	{
		if (row_text(i, 2) == NULL)
			continue;
		notify_row(i);
		events++;
	}
	MemoryContextSwitchTo(outer);
	return events;
}

/* One round; false when the extension is gone. */
static bool
run_once(delivery_slot *slot)
{
	char	   *position;
	char	   *next;
	int64		events;
	Oid			schema;

	delivery_clear_pending(slot);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	schema = extension_schema();
	if (!OidIsValid(schema))
		return false;
	plans_use_schema(schema);
	position = delivery_position(slot);
	events = notify_news(&position);
	next = MemoryContextStrdup(TopMemoryContext, position);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	delivery_advance(slot, next, events);
	pfree(next);
	pgstat_report_stat(false);
	return true;
}

/* What came after a position is little, whatever the planner's statistics say. */
static void
settings(void)
{
	static const char *const off[] = {"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit",
	"synchronous_commit"};

	for (int i = 0; i < lengthof(off); i++)
		SetConfigOption(off[i], "off", PGC_USERSET, PGC_S_OVERRIDE);
	/* should we meet a deadlock all the same, it is we who give way */
	SetConfigOption("deadlock_timeout", "50ms", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("search_path", "pg_catalog", PGC_USERSET, PGC_S_OVERRIDE);
}

void
unichat_worker_main(Datum arg)
{
	delivery_slot *slot = delivery_slot_at(DatumGetInt32(arg));

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(delivery_database(slot), InvalidOid, 0);
	settings();
	delivery_attach(slot);

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
		if (!run_once(slot))
			proc_exit(0);
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (max_prepared_xacts > 0 ? WL_TIMEOUT : 0),
						 SWEEP_MS, PG_WAIT_EXTENSION);
	}
}
