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
 *	  Those of a new row without the executor, if all of them are of plain
 *	  columns, as ours are.
 * 5. Indexes stay locked until the transaction ends, as their table does.
 *
 * What only the executor can do is left to it: where a table is not as we made
 * it (shape.c), the same row is written by a statement.
 *
 * A statement that changes no row has met somebody else's change, and the caller
 * looks again; or a trigger, and looking again would never end.  Which, the row
 * itself says: the version that was to be changed is there, or it is not:
 *
 *		by others						by a trigger
 *		ours: waits, changes no row		BEFORE: returns NULL; no row
 *		the version is outdated			the version is still the row's newest
 *
 * (Before the minor versions of November 2025, a statement that has waited for the
 * row at a ctid goes on with the version after it; so it asks for a value too.)
 *
 * What an AFTER trigger does to the row comes after our change: the version that
 * the statement returned is outdated.  Nobody else can have done that, since we
 * hold the row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "executor/executor.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "direct.h"
#include "names.h"
#include "shape.h"

#define MAX_INDEXES 8

void
direct_open(direct *d, const char *table)
{
	d->rel = table_open(names_find(plans_schema(), table), RowExclusiveLock);
	d->ours_alone = shape_is_ours(d->rel);
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

/* The keys by the numbers of the index's columns. */
static void
translate_keys(Relation index, ScanKey to, const ScanKeyData *keys, int n)
{
	for (int i = 0; i < n; i++)
	{
		int			column = 0;

		while (column < index->rd_index->indnkeyatts && index->rd_index->indkey.values[column] != keys[i].sk_attno)
			column++;
		if (column == index->rd_index->indnkeyatts)
			elog(ERROR, "index \"%s\" is not as unichat made it", RelationGetRelationName(index));
		to[i] = keys[i];
		to[i].sk_attno = column + 1;
	}
}

/*
 * REINDEX CONCURRENTLY may have given the name to another index while we waited
 * for the lock.  The old one is not valid then; the name is looked up again.
 */
static Relation
open_index(direct *d, const char *name)
{
	Oid			oid = InvalidOid;
	Oid			again;

	while ((again = names_find(RelationGetNamespace(d->rel), name)) != oid)
	{
		Relation	index = index_open(oid = again, AccessShareLock);

		if (index->rd_index->indisvalid)
			return index;
		index_close(index, AccessShareLock);
	}
	elog(ERROR, "index \"%s\" is not valid", name);
}

static HeapTuple
scan(direct *d, Snapshot snapshot, const char *name, const ScanKeyData *keys, int n)
{
	Relation	index = open_index(d, name);
	IndexScanDesc scan = begin_index_scan(d->rel, index, snapshot, n);
	TupleTableSlot *slot = table_slot_create(d->rel, NULL);
	ScanKeyData index_keys[INDEX_MAX_KEYS];
	HeapTuple	tuple = NULL;

	translate_keys(index, index_keys, keys, n);
	index_rescan(scan, index_keys, n, NULL, 0);
	if (index_getnext_slot(scan, ForwardScanDirection, slot))
		tuple = ExecCopySlotHeapTuple(slot);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
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

/* Gives the row in the slot its index entries, whatever indexes there are. */
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

/* The column of an index for rows in which it "IS NOT NULL"; 0 if it is for others. */
static AttrNumber
column_not_null(Relation index)
{
	List	   *predicate = RelationGetIndexPredicate(index);
	NullTest   *test = linitial(predicate);

	if (list_length(predicate) != 1 || !IsA(test, NullTest) || test->nulltesttype != IS_NOT_NULL || !IsA(test->arg, Var))
		return 0;
	return ((Var *) test->arg)->varattno;
}

static bool
has(Relation index, AttrNumber attribute)
{
	return !heap_attisnull(index->rd_indextuple, attribute, NULL);
}

/* An index whose entries are the row's columns, and nothing else to be thought of. */
static bool
is_plain(Relation index)
{
	const FormData_pg_index *form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisready && form->indimmediate && !form->indisexclusion &&
		!has(index, Anum_pg_index_indexprs) &&
		(!has(index, Anum_pg_index_indpred) || column_not_null(index) != 0);
}

static void
write_plain_index(direct *d, Relation index, TupleTableSlot *slot)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	if (has(index, Anum_pg_index_indpred) && slot_attisnull(slot, column_not_null(index)))
		return;
	for (int i = 0; i < index->rd_index->indnatts; i++)
		values[i] = slot_getattr(slot, index->rd_index->indkey.values[i], &nulls[i]);
	index_insert(index, values, nulls, &slot->tts_tid, d->rel,
				 index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, NULL);
}

/* The same as write_indexes for a new row, if all indexes are plain. */
static bool
write_plain_indexes(direct *d, TupleTableSlot *slot)
{
	List	   *oids = RelationGetIndexList(d->rel);
	Relation	indexes[MAX_INDEXES];
	int			n = 0;
	bool		plain = list_length(oids) <= MAX_INDEXES;
	ListCell   *cell;

	foreach(cell, oids)
	{
		if (!plain)
			break;
		indexes[n] = index_open(lfirst_oid(cell), RowExclusiveLock);
		plain = is_plain(indexes[n++]);
	}
	for (int i = 0; i < n; i++)
	{
		if (plain)
			write_plain_index(d, indexes[i], slot);
		index_close(indexes[i], NoLock);
	}
	return plain;
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

void
refuse_trigger(const char *table, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("another trigger on table \"%s\" is in the way of unichat", table),
			 errdetail("%s", why),
			 errhint("Change what is stored in a BEFORE trigger that returns the row."),
			 err_generic_string(PG_DIAG_TABLE_NAME, table)));
}

void
direct_refuse(const direct *d, const char *why)
{
	refuse_trigger(RelationGetRelationName(d->rel), why);
}

/* The version at that place, if it is the row's newest. */
static HeapTuple
newest_at(direct *d, ItemPointer place)
{
	Snapshot	snapshot;
	HeapTuple	tuple;

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	tuple = fetch(d, snapshot, place, NULL, 0);
	UnregisterSnapshot(snapshot);
	return tuple;
}

/* The statement has changed no row: an error unless others have changed it. */
static void
check_changed(direct *d)
{
	HeapTuple	now = newest_at(d, &d->tuple->t_self);

	/* a place that another version has now is of another transaction */
	if (now != NULL && HeapTupleHeaderGetRawXmin(now->t_data) == HeapTupleHeaderGetRawXmin(d->tuple->t_data))
		direct_refuse(d, "It has suppressed the change of a row.");
}

static bool
update_by_statement(direct *d, const row *r, direct_statement *statement)
{
	arguments	args = {0};
	bool		isnull;

	add_place(&args, &d->tuple->t_self);
	add_datum(&args, heap_getattr(d->tuple, statement->version, RelationGetDescr(d->rel), &isnull), false);
	for (const int *column = statement->columns; *column != 0; column++)
		add_datum(&args, r->values[*column - 1], r->nulls[*column - 1]);
	if (plan_run(&statement->plan, &args) == 0)
	{
		check_changed(d);
		return false;
	}
	d->tuple = newest_at(d, row_place(0, 1));
	if (d->tuple == NULL)
		direct_refuse(d, "It has changed or deleted a row that was being changed.");
	return true;
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
	if (!write_plain_indexes(d, slot))
		write_indexes(d, slot, false, TU_None);
	ExecDropSingleTupleTableSlot(slot);
	d->tuple = tuple;
}
