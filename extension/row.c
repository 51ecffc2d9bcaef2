/*-------------------------------------------------------------------------
 *
 * row.c
 *	  The row that a trigger is called for: reading and changing it.
 *
 * The tables of unichat belong to the extension and have the columns that
 * tables.h numbers.  An owner who adds columns is welcome: we look at our own
 * and leave the others as they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/sequence.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "names.h"
#include "row.h"
#include "words.h"

void
row_read(row *r, HeapTuple tuple, TupleDesc desc)
{
	memset(r, 0, sizeof(*r));
	r->desc = desc;
	if (desc->natts <= ROW_MAX_COLUMNS)
	{
		heap_deform_tuple(tuple, desc, r->values, r->nulls);
		return;
	}
	for (int i = 0; i < ROW_MAX_COLUMNS; i++)
		r->values[i] = heap_getattr(tuple, i + 1, desc, &r->nulls[i]);
}

HeapTuple
row_apply(const row *r, HeapTuple tuple)
{
	int			columns[ROW_MAX_COLUMNS];
	Datum		values[ROW_MAX_COLUMNS];
	bool		nulls[ROW_MAX_COLUMNS];
	int			n = 0;

	for (int i = 0; i < ROW_MAX_COLUMNS; i++)
	{
		if (!r->changed[i])
			continue;
		columns[n] = i + 1;
		values[n] = r->values[i];
		nulls[n] = r->nulls[i];
		n++;
	}
	return n == 0 ? tuple : heap_modify_tuple_by_cols(tuple, r->desc, n, columns, values, nulls);
}

bool
is_null(const row *r, int column)
{
	return r->nulls[column - 1];
}

char *
get_text(const row *r, int column)
{
	return is_null(r, column) ? NULL : TextDatumGetCString(r->values[column - 1]);
}

int64
get_int8(const row *r, int column)
{
	return is_null(r, column) ? 0 : DatumGetInt64(r->values[column - 1]);
}

bool
get_bool(const row *r, int column)
{
	return is_null(r, column) ? false : DatumGetBool(r->values[column - 1]);
}

TimestampTz
get_time(const row *r, int column)
{
	return is_null(r, column) ? 0 : DatumGetTimestampTz(r->values[column - 1]);
}

static void
set(row *r, int column, Datum value, bool isnull)
{
	r->values[column - 1] = value;
	r->nulls[column - 1] = isnull;
	r->changed[column - 1] = true;
}

void
set_text(row *r, int column, const char *value)
{
	set(r, column, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

void
set_int8(row *r, int column, int64 value)
{
	set(r, column, Int64GetDatum(value), false);
}

void
set_time(row *r, int column, TimestampTz value)
{
	set(r, column, TimestampTzGetDatum(value), false);
}

void
set_bytea(row *r, int column, bytea *value)
{
	set(r, column, PointerGetDatum(value), value == NULL);
}

void
set_null(row *r, int column)
{
	set(r, column, (Datum) 0, true);
}

bool
same_value(const row *a, const row *b, int column)
{
	Form_pg_attribute attribute = TupleDescAttr(a->desc, column - 1);

	if (is_null(a, column) || is_null(b, column))
		return is_null(a, column) == is_null(b, column);
	return datum_image_eq(a->values[column - 1], b->values[column - 1],
						  attribute->attbyval, attribute->attlen);
}

void
refuse_assigned(const row *r, int column)
{
	const char *name = NameStr(TupleDescAttr(r->desc, column - 1)->attname);

	ereport(ERROR,
			(errcode(ERRCODE_UC_ASSIGNED),
			 errmsg("column \"%s\" is assigned by unichat", name),
			 errhint("Leave it out."),
			 err_generic_string(PG_DIAG_COLUMN_NAME, name)));
}

int64
next_id(Relation rel, const char *sequence)
{
	return nextval_internal(names_find(RelationGetNamespace(rel), sequence), false);
}
