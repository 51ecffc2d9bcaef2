/*-------------------------------------------------------------------------
 *
 * plans.h
 *	  SQL statements, planned once for a session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_PLANS_H
#define UNICHAT_PLANS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "storage/itemptr.h"

#define PLAN_MAX_ARGS 16

/*
 * A statement, declared static beside the code that runs it.  Tables are
 * written "@.chat_players": @ stands for the extension's schema.
 */
typedef struct plan
{
	const char *sql;
	int			nargs;
	Oid			types[PLAN_MAX_ARGS];
	/* private to plans.c */
	SPIPlanPtr	saved;
	uint64		generation;
} plan;

/* A statement's arguments, added in order to one that is all zero. */
typedef struct arguments
{
	int			n;
	Datum		values[PLAN_MAX_ARGS];
	char		nulls[PLAN_MAX_ARGS];
} arguments;

extern void add_datum(arguments *args, Datum value, bool isnull);
extern void add_text(arguments *args, const char *value_or_null);
extern void add_int8(arguments *args, int64 value);
extern void add_id(arguments *args, int64 id);	/* 0 is null */
extern void add_time(arguments *args, TimestampTz value);
extern void add_place(arguments *args, ItemPointer place);	/* kept by the caller */

/* Adds n columns of a row of SPI_tuptable, from this one on. */
extern void add_columns(arguments *args, uint64 row, int first, int n);

/*
 * Runs the statement, in an entry (guard.h); it sees everything that is committed
 * now (or, in a transaction of a higher isolation level, what that may see).
 * Returns the number of rows; those that it returns are in SPI_tuptable.
 */
extern uint64 plan_run(plan *p, arguments *args);

/*
 * The same, anywhere, for a statement that only reads: it sees what the statement
 * sees that we are called from, or else the active snapshot.  plan_open returns
 * a cursor for SPI_cursor_fetch.
 */
extern uint64 plan_read(plan *p, arguments *args);
extern Portal plan_open(plan *p, arguments *args);

/* Columns of a row of SPI_tuptable, counted from 1. */
extern char *row_text(uint64 row, int column);	/* NULL for null */
extern int64 row_int8(uint64 row, int column);	/* 0 for null */
extern bool row_bool(uint64 row, int column);	/* false for null */
extern TimestampTz row_time(uint64 row, int column);	/* 0 for null */
extern bytea *row_bytea(uint64 row, int column);	/* NULL for null */
extern ItemPointer row_place(uint64 row, int column);	/* a ctid */

/* A column that is a row of a table ("RETURNING p"), copied into context. */
extern Datum row_composite(uint64 row, int column, MemoryContext context);

/* Called for every entry: the schema that @ stands for. */
extern void plans_use_schema(Oid schema);
extern Oid	plans_schema(void);

/* Called where none of our statements is running. */
extern void plans_free_outdated(void);

extern void plans_init(void);

#endif							/* UNICHAT_PLANS_H */
