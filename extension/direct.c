/*-------------------------------------------------------------------------
 *
 * direct.c
 *	  Rows of our own tables, found and written without a statement.
 *
 * A message is four rows: its own, its request's, its player's and its
 * event's.  As statements of SQL, the last three cost three quarters of the
 * whole, nearly all of it for starting and ending the executor.  So they go to the
 * table's access method, as PostgreSQL's own catalogs do.  What a statement
 * would have done is done here:
 *
 * 1. Each look has a snapshot of its own (in READ COMMITTED), and sees what
 *	  this transaction has done before.
 * 2. A write waits for whoever holds the row.  If that one has changed it, the
 *	  caller looks again; a statement would go on with the new version, which is
 *	  the same to a caller whose conditions are all in the look.
 * 3. In REPEATABLE READ and above, that is a serialization failure.  The
 *	  predicate locks of SERIALIZABLE are taken by the access methods.
 * 4. Indexes are written unless the update is HOT, which it nearly always is.
 *
 * What only the executor can do is left to it: where a table has a trigger, a
 * rule, forced row security or a constraint that is not ours, or where ours are
 * disabled, the same row is written by a statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "direct.h"

#define OUR_TRIGGERS "zz_unichat_"

static bool
is_ours_alone(Relation rel)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA || rel->rd_tableam != GetHeapamTableAmRoutine() ||
		rel->rd_rel->relhasrules || rel->rd_rel->relforcerowsecurity ||
		(constr != NULL && (constr->num_check > 0 || constr->has_generated_stored)))
		return false;
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (strncmp(trigger->tgname, OUR_TRIGGERS, strlen(OUR_TRIGGERS)) != 0 ||
			trigger->tgenabled != TRIGGER_FIRES_ON_ORIGIN)
			return false;
	}
	return true;
}

void
direct_open(direct *d, const char *table)
{
	Oid			relid = get_relname_relid(table, plans_schema());

	if (!OidIsValid(relid))
		elog(ERROR, "table \"%s\" is missing", table);
	d->rel = table_open(relid, RowExclusiveLock);
	d->ours_alone = is_ours_alone(d->rel);
	d->tuple = NULL;
}

void
direct_close(direct *d)
{
	table_close(d->rel, NoLock);
}

void
direct_text_key(ScanKey key, int column, const char *value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
}

void
direct_int8_key(ScanKey key, int column, int64 value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(value));
}

/* The row at that place, if the snapshot sees it and it is one that the keys mean. */
static HeapTuple
fetch(direct *d, Snapshot snapshot, ItemPointer place, ScanKey keys, int n)
{
	TupleTableSlot *slot = table_slot_create(d->rel, NULL);
	HeapTuple	tuple = NULL;

	if (table_tuple_fetch_row_version(d->rel, place, snapshot, slot))
		tuple = ExecCopySlotHeapTuple(slot);
	ExecDropSingleTupleTableSlot(slot);
	for (int i = 0; tuple != NULL && i < n; i++)
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, keys[i].sk_attno, RelationGetDescr(d->rel), &isnull);

		if (isnull ||
			!DatumGetBool(FunctionCall2Coll(&keys[i].sk_func, keys[i].sk_collation, value, keys[i].sk_argument)))
			tuple = NULL;
	}
	return tuple;
}

static HeapTuple
scan(direct *d, Snapshot snapshot, const char *index, ScanKey keys, int n)
{
	Oid			indexid = get_relname_relid(index, RelationGetNamespace(d->rel));
	SysScanDesc scan = systable_beginscan(d->rel, indexid, OidIsValid(indexid), snapshot, n, keys);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	return tuple;
}

bool
direct_find(direct *d, const char *index, ItemPointer hint, ScanKey keys, int n)
{
	Snapshot	snapshot;

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	d->tuple = hint ? fetch(d, snapshot, hint, keys, n) : NULL;
	if (d->tuple == NULL)
		d->tuple = scan(d, snapshot, index, keys, n);
	UnregisterSnapshot(snapshot);
	return d->tuple != NULL;
}

/* The answer to an update. */
static bool
is_done(const direct *d, TM_Result result)
{
	if (result == TM_Ok)
		return true;
	if (result != TM_Updated && result != TM_Deleted)
		elog(ERROR, "unexpected result %d of a change in table \"%s\"", (int) result, RelationGetRelationName(d->rel));
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update")));
	return false;
}

/* Gives the row in the slot its index entries. */
static void
write_indexes(direct *d, TupleTableSlot *slot, bool update, TU_UpdateIndexes which)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);

	InitResultRelInfo(target, d->rel, 0, NULL, 0);
	ExecOpenIndices(target, false);
	insert_index_entries(target, slot, estate, update, which);
	ExecCloseIndices(target);
	FreeExecutorState(estate);
}

static TupleTableSlot *
slot_for(direct *d, HeapTuple tuple)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(d->rel), &TTSOpsHeapTuple);

	ExecStoreHeapTuple(tuple, slot, false);
	slot->tts_tableOid = RelationGetRelid(d->rel);
	return slot;
}

static bool
update_alone(direct *d, HeapTuple tuple)
{
	TupleTableSlot *slot = slot_for(d, tuple);
	TM_FailureData failure;
	LockTupleMode mode;
	TU_UpdateIndexes which;
	TM_Result	result;

	CheckCmdReplicaIdentity(d->rel, CMD_UPDATE);
	result = table_tuple_update(d->rel, &d->tuple->t_self, slot, GetCurrentCommandId(true), GetActiveSnapshot(),
								InvalidSnapshot, true, &failure, &mode, &which);
	if (result == TM_Ok && which != TU_None)
		write_indexes(d, slot, true, which);
	ItemPointerCopy(&slot->tts_tid, &tuple->t_self);
	ExecDropSingleTupleTableSlot(slot);
	d->tuple = tuple;
	return is_done(d, result);
}

static bool
update_by_statement(direct *d, const row *r, direct_statement *statement)
{
	arguments	args = {0};
	ItemPointerData place;
	Snapshot	snapshot;

	add_place(&args, &d->tuple->t_self);
	for (const int *column = statement->columns; *column != 0; column++)
		add_datum(&args, r->values[*column - 1], r->nulls[*column - 1]);
	if (plan_run(&statement->plan, &args) == 0)
		return false;
	place = *row_place(0, 1);
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	d->tuple = fetch(d, snapshot, &place, NULL, 0);
	UnregisterSnapshot(snapshot);
	return d->tuple != NULL;
}

bool
direct_update(direct *d, const row *r, direct_statement *statement)
{
	if (!d->ours_alone)
		return update_by_statement(d, r, statement);
	return update_alone(d, row_apply(r, d->tuple));
}

void
direct_insert(direct *d, Datum *values, bool *nulls)
{
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(d->rel), values, nulls);
	TupleTableSlot *slot = slot_for(d, tuple);

	table_tuple_insert(d->rel, slot, GetCurrentCommandId(true), 0, NULL);
	write_indexes(d, slot, false, TU_None);
	ExecDropSingleTupleTableSlot(slot);
	d->tuple = tuple;
}
