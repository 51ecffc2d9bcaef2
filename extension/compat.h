/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  The differences between PostgreSQL 15 and 18, and nothing else.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_COMPAT_H
#define UNICHAT_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/guc.h"

#if PG_VERSION_NUM < 150000
#error "unichat needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

#if PG_VERSION_NUM < 170000
#define GUC_SAFE_SEARCH_PATH "pg_catalog, pg_temp"
#endif

/* Sets search_path, until AtEOXact_GUC has the answer. */
static inline int
path_set(void)
{
	int			nest = NewGUCNestLevel();

	if (strcmp(namespace_search_path, GUC_SAFE_SEARCH_PATH) != 0)
		(void) set_config_option("search_path", GUC_SAFE_SEARCH_PATH, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	return nest;
}

/*
 * path_pin: from here on, names without a schema mean pg_catalog's.
 * Returns what path_unpin wants.  The end of a (sub)transaction that fails
 * undoes it by itself.
 *
 * Before 17 that is not the setting, which would cost a message 8,000
 * instructions more, but an override of it.  An override also beats what a
 * function says by itself with SET search_path.  So a statement, which may fire
 * functions of others, is run with the setting in its place: path_lend, and
 * path_take_back.  In every version, what such a function leaves set is undone.
 */
static inline int
path_pin(void)
{
#if PG_VERSION_NUM >= 170000
	return path_set();
#else
	OverrideSearchPath path = {NIL, true, false};

	PushOverrideSearchPath(&path);
	return 0;
#endif
}

static inline void
path_unpin(int nest)
{
#if PG_VERSION_NUM >= 170000
	AtEOXact_GUC(false, nest);
#else
	PopOverrideSearchPath();
#endif
}

static inline int
path_lend(void)
{
#if PG_VERSION_NUM < 170000
	PopOverrideSearchPath();
#endif
	return path_set();
}

static inline void
path_take_back(int nest)
{
	AtEOXact_GUC(false, nest);
#if PG_VERSION_NUM < 170000
	(void) path_pin();
#endif
}

/* This process's place in ProcGlobal->allProcs. */
static inline int
my_procno(void)
{
#if PG_VERSION_NUM >= 170000
	return GetNumberFromPGProc(MyProc);
#else
	return MyProc->pgprocno;
#endif
}

/* Which indexes have to be told of a new version of a row. */
#if PG_VERSION_NUM < 160000
typedef bool TU_UpdateIndexes;
#define TU_None false
#endif

/* The row in slot is a new one, or a new version for which table_tuple_update said which. */
static inline void
insert_index_entries(ResultRelInfo *target, TupleTableSlot *slot, EState *estate, bool update, TU_UpdateIndexes which)
{
#if PG_VERSION_NUM >= 160000
	(void) ExecInsertIndexTuples(target, slot, estate, update, false, NULL, NIL, which == TU_Summarizing);
#else
	(void) ExecInsertIndexTuples(target, slot, estate, update, false, NULL, NIL);
#endif
}

static inline IndexScanDesc
begin_index_scan(Relation rel, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(rel, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(rel, index, snapshot, nkeys, 0);
#endif
}

static inline bool
owns_table(Oid relid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relid, roleid);
#else
	return pg_class_ownercheck(relid, roleid);
#endif
}

#endif							/* UNICHAT_COMPAT_H */
