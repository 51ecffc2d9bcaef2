/*-------------------------------------------------------------------------
 *
 * direct.h
 *	  Rows of our own tables, found and written without a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_DIRECT_H
#define UNICHAT_DIRECT_H

#include "postgres.h"

#include "access/skey.h"
#include "utils/relcache.h"

#include "compat.h"
#include "plans.h"
#include "row.h"

/* A table, and the row of it that was found last. */
typedef struct direct
{
	Relation	rel;
	bool		ours_alone;		/* nobody else has a say in what is written */
	HeapTuple	tuple;			/* NULL: none */
} direct;

/*
 * The statement for an UPDATE where others have a say: it finds the row by
 * ctid = $1 and version = $2, which is a column that every change of the row that
 * matters changes; sets these columns (0 ends them) to $3 and so on; and
 * returns the new ctid.
 */
typedef struct direct_statement
{
	plan		plan;
	int			version;
	int			columns[PLAN_MAX_ARGS];
} direct_statement;

extern void direct_open(direct *d, const char *table);
extern void direct_close(direct *d);

/* Conditions for direct_find, by the number of the table's column. */
extern void direct_text_key(ScanKey key, int column, const char *value);
extern void direct_int8_key(ScanKey key, int column, int64 value);

/*
 * Finds the row, as a statement would that begins now: at the hint, if that
 * is not NULL and it is there, else by the index.  False if there is none.
 */
extern bool direct_find(direct *d, const char *index, ItemPointer hint, ScanKey keys, int n);

/*
 * Changes the row that was found; waits for whoever holds it.  False: others
 * have changed it meanwhile, find it again.  (In REPEATABLE READ and above that
 * is an error.)  An error too if another trigger of this very statement keeps
 * it from being what was written: looking again would find the same for ever.
 */
extern bool direct_update(direct *d, const row *r, direct_statement *statement);

/* That error, 27000, for whoever finds out by himself.  why is a sentence. */
pg_noreturn extern void direct_refuse(const direct *d, const char *why);
pg_noreturn extern void refuse_trigger(const char *table, const char *why);

/* Inserts a row of all columns.  Only if ours_alone. */
extern void direct_insert(direct *d, Datum *values, bool *nulls);

#endif							/* UNICHAT_DIRECT_H */
