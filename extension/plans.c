/*-------------------------------------------------------------------------
 *
 * plans.c
 *	  SQL statements, planned once for a session.
 *
 * Each statement lives beside its use as a static "plan"; this module plans it
 * when it is first run, always as a generic plan: they all find a row by a
 * unique index, and planning for the values would find nothing better.
 *
 * A saved plan survives DROP EXTENSION; CREATE EXTENSION: PostgreSQL's plan
 * cache notices that the tables are new ones and analyzes the statement again.
 * What it cannot notice is that "@" means another schema.  So plans are of a
 * generation, which ends when the extension is found in another schema, or when
 * its schema may have been renamed.
 *
 * A plan that is made anew may be in use, further up the stack:
 *
 *		unichat_send: INSERT
 *			a trigger of others: renames the schema, calls unichat_send
 *				unichat_send: the same INSERT, planned anew
 *
 * So the old one is only put aside, until no entry is running.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "plans.h"

static Oid	schema_now = InvalidOid;
static uint32 schema_hash = 0;	/* that of its entry in the catalog cache */
static uint64 generation_now = 0;
static List *outdated = NIL;	/* plans, which may be in use; in TopMemoryContext */

static void
schema_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	if (hashvalue == 0 || hashvalue == schema_hash)
		generation_now++;
}

void
plans_init(void)
{
	CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
}

void
plans_use_schema(Oid schema)
{
	if (schema != schema_now)
	{
		schema_hash = GetSysCacheHashValue1(NAMESPACEOID, ObjectIdGetDatum(schema));
		schema_now = schema;
		generation_now++;
	}
}

void
plans_free_outdated(void)
{
	while (outdated != NIL)
	{
		SPIPlanPtr	plan = llast(outdated);

		outdated = list_delete_last(outdated);
		SPI_freeplan(plan);
	}
}

static void
put_aside(SPIPlanPtr plan)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	outdated = lappend(outdated, plan);
	MemoryContextSwitchTo(old);
}

Oid
plans_schema(void)
{
	return schema_now;
}

static const char *
schema_name(void)
{
	char	   *name = get_namespace_name(schema_now);

	if (name == NULL)
		elog(ERROR, "cache lookup failed for schema %u", schema_now);
	return quote_identifier(name);
}

/* sql with the schema's name for each @; palloc'd. */
static char *
with_schema(const char *sql)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *c = sql; *c; c++)
	{
		if (*c == '@')
			appendStringInfoString(&buf, schema_name());
		else
			appendStringInfoChar(&buf, *c);
	}
	return buf.data;
}

static void
prepare(plan *p)
{
	uint64		generation = generation_now;
	SPIPlanPtr	made = SPI_prepare_cursor(with_schema(p->sql), p->nargs, p->types,
										  CURSOR_OPT_GENERIC_PLAN);

	if (made == NULL || SPI_keepplan(made) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", p->sql, SPI_result_code_string(SPI_result));
	if (p->saved)
		put_aside(p->saved);
	p->saved = made;
	p->generation = generation;
}

void
add_datum(arguments *args, Datum value, bool isnull)
{
	Assert(args->n < PLAN_MAX_ARGS);
	args->values[args->n] = value;
	args->nulls[args->n] = isnull ? 'n' : ' ';
	args->n++;
}

void
add_text(arguments *args, const char *value)
{
	add_datum(args, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

void
add_int8(arguments *args, int64 value)
{
	add_datum(args, Int64GetDatum(value), false);
}

void
add_id(arguments *args, int64 id)
{
	add_datum(args, Int64GetDatum(id), id == 0);
}

void
add_time(arguments *args, TimestampTz value)
{
	add_datum(args, TimestampTzGetDatum(value), false);
}

void
add_place(arguments *args, ItemPointer place)
{
	add_datum(args, PointerGetDatum(place), false);
}

static Datum
row_datum(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

void
add_columns(arguments *args, uint64 row, int first, int n)
{
	for (int i = first; i < first + n; i++)
	{
		bool		isnull;
		Datum		value = row_datum(row, i, &isnull);

		add_datum(args, value, isnull);
	}
}

/*
 * A plan that is made now may be used for long.  A table that is empty now
 * would be scanned then, however much it has grown: until somebody analyzes it,
 * nothing tells the plan cache.
 */
static int
begin_planning(void)
{
	int			nest = NewGUCNestLevel();

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return nest;
}

/* Makes the statement ready; returns what end_run wants. */
static int
begin_run(plan *p, const arguments *args)
{
	bool		planned = p->saved != NULL && p->generation == generation_now;

	if (!planned)
		prepare(p);
	Assert(args->n == p->nargs);
	return planned && SPI_plan_is_valid(p->saved) ? 0 : begin_planning();
}

static void
end_run(int nest)
{
	if (nest != 0)
		AtEOXact_GUC(true, nest);
}

static uint64
run(plan *p, arguments *args, bool read_only)
{
	int			nest = begin_run(p, args);
	int			result = SPI_execute_plan(p->saved, args->values, args->nulls, read_only, 0);

	end_run(nest);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", p->sql, SPI_result_code_string(result));
	return SPI_processed;
}

/* Planning is within, too: a plan is made anew when it finds search_path another way. */
uint64
plan_run(plan *p, arguments *args)
{
	int			path = path_lend();
	uint64		rows = run(p, args, false);

	path_take_back(path);
	return rows;
}

uint64
plan_read(plan *p, arguments *args)
{
	return run(p, args, true);
}

Portal
plan_open(plan *p, arguments *args)
{
	int			nest = begin_run(p, args);
	Portal		portal = SPI_cursor_open(NULL, p->saved, args->values, args->nulls, true);

	end_run(nest);
	return portal;
}

char *
row_text(uint64 row, int column)
{
	bool		isnull;
	Datum		value = row_datum(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

int64
row_int8(uint64 row, int column)
{
	bool		isnull;
	Datum		value = row_datum(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

bool
row_bool(uint64 row, int column)
{
	bool		isnull;
	Datum		value = row_datum(row, column, &isnull);

	return isnull ? false : DatumGetBool(value);
}

TimestampTz
row_time(uint64 row, int column)
{
	bool		isnull;
	Datum		value = row_datum(row, column, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(value);
}

bytea *
row_bytea(uint64 row, int column)
{
	bool		isnull;
	Datum		value = row_datum(row, column, &isnull);

	return isnull ? NULL : DatumGetByteaPP(value);
}

ItemPointer
row_place(uint64 row, int column)
{
	bool		isnull;

	return (ItemPointer) DatumGetPointer(row_datum(row, column, &isnull));
}

Datum
row_composite(uint64 row, int column, MemoryContext context)
{
	bool		isnull;
	Datum		value = row_datum(row, column, &isnull);
	MemoryContext old = MemoryContextSwitchTo(context);

	value = datumCopy(value, false, -1);
	MemoryContextSwitchTo(old);
	return value;
}
