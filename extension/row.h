/*-------------------------------------------------------------------------
 *
 * row.h
 *	  The row that a trigger is called for: reading and changing it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_ROW_H
#define UNICHAT_ROW_H

#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "datatype/timestamp.h"

#include "compat.h"

#define ROW_MAX_COLUMNS 16

/* A row and the changes made to it.  Columns count from 1. */
typedef struct row
{
	TupleDesc	desc;
	Datum		values[ROW_MAX_COLUMNS];
	bool		nulls[ROW_MAX_COLUMNS];
	bool		changed[ROW_MAX_COLUMNS];
} row;

extern void row_read(row *r, HeapTuple tuple, TupleDesc desc);

/* The tuple with the changes; itself if there are none. */
extern HeapTuple row_apply(const row *r, HeapTuple tuple);

extern char *get_text(const row *r, int column);	/* NULL for null */
extern int64 get_int8(const row *r, int column);	/* 0 for null */
extern bool get_bool(const row *r, int column); /* false for null */
extern TimestampTz get_time(const row *r, int column);
extern bool is_null(const row *r, int column);

extern void set_text(row *r, int column, const char *value_or_null);
extern void set_int8(row *r, int column, int64 value);
extern void set_time(row *r, int column, TimestampTz value);
extern void set_bytea(row *r, int column, bytea *value_or_null);
extern void set_null(row *r, int column);

/* Is the column the same in both rows? */
extern bool same_value(const row *a, const row *b, int column);

/* UC021 for this column. */
pg_noreturn extern void refuse_assigned(const row *r, int column);

/* The next value of the sequence of this name beside the table. */
extern int64 next_id(Relation rel, const char *sequence);

#endif							/* UNICHAT_ROW_H */
