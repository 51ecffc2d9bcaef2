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

/*
 * path_pin: from here on, names without a schema mean pg_catalog's.
 * Returns what path_unpin wants.  The end of a (sub)transaction that fails
 * undoes it by itself.
 */
static inline int
path_pin(void)
{
#if PG_VERSION_NUM >= 170000
	int			nest = NewGUCNestLevel();

	RestrictSearchPath();
	return nest;
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
