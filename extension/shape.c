/*-------------------------------------------------------------------------
 *
 * shape.c
 *	  Is a table as CREATE EXTENSION made it?
 *
 * A row that is written without the executor (direct.c) passes by all that its
 * owner, or somebody with the right to, has put on the table since: triggers,
 * rules, constraints, forced row security, another type of a column.  So all of
 * that is looked for here, and our own triggers have to be enabled.
 *
 * Columns that were added are welcome, and left as they are; whether a new row
 * can do without them is the caller's question.
 *
 * Four tables are asked for with each message.  The answer holds until PostgreSQL
 * says that a relation, whichever, has changed: who asks has the table locked,
 * and whoever changes it waits for that.  Only session_replication_role is
 * the session's own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "shape.h"
#include "tables.h"

#define OUR_TRIGGERS "zz_unichat_"
#define MAX_COLUMNS 16
#define MAX_KNOWN 8

typedef struct column
{
	Oid			type;
	bool		not_null;
} column;

typedef struct shape
{
	const char *table;
	int			n;
	column		columns[MAX_COLUMNS];
} shape;

#define REQUIRED(type) {type##OID, true}
#define OPTIONAL(type) {type##OID, false}

/* The columns of 10-tables.sql, in the table's order. */
static const shape shapes[] = {
	{"chat_players", Natts_players, {REQUIRED(TEXT), OPTIONAL(TEXT), REQUIRED(INT8), REQUIRED(INT8), REQUIRED(INT8),
	REQUIRED(BOOL), REQUIRED(TIMESTAMPTZ), OPTIONAL(BYTEA)}},
	{"chat_requests", Natts_requests, {REQUIRED(INT8), REQUIRED(TEXT), OPTIONAL(TEXT), REQUIRED(TEXT), REQUIRED(TEXT),
	OPTIONAL(TEXT), REQUIRED(TIMESTAMPTZ), REQUIRED(TIMESTAMPTZ), OPTIONAL(TIMESTAMPTZ), OPTIONAL(TIMESTAMPTZ),
	OPTIONAL(TIMESTAMPTZ), OPTIONAL(TEXT), OPTIONAL(TEXT), OPTIONAL(TIMESTAMPTZ)}},
	{"chat_messages", Natts_messages, {REQUIRED(INT8), REQUIRED(INT8), REQUIRED(TEXT), REQUIRED(INT8), REQUIRED(TEXT),
	OPTIONAL(TEXT), REQUIRED(TEXT), REQUIRED(TIMESTAMPTZ), OPTIONAL(TEXT), OPTIONAL(BYTEA)}},
	{"chat_events", Natts_events, {REQUIRED(TEXT), REQUIRED(INT8), OPTIONAL(INT8), REQUIRED(TEXT), OPTIONAL(INT8),
	OPTIONAL(TEXT), OPTIONAL(TEXT), OPTIONAL(TEXT), OPTIONAL(TEXT), OPTIONAL(TEXT), OPTIONAL(JSONB),
	REQUIRED(TIMESTAMPTZ), REQUIRED(XID8), REQUIRED(BOOL), OPTIONAL(BYTEA), OPTIONAL(BYTEA)}},
};

/* Answers. */
typedef struct known
{
	Oid			relid;
	bool		ours;
} known;

static known answers[MAX_KNOWN];
static int	n_answers = 0;

static void
relation_changed(Datum arg, Oid relid)
{
	n_answers = 0;
}

void
shape_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

static const shape *
find_shape(const char *table)
{
	for (int i = 0; i < lengthof(shapes); i++)
	{
		if (strcmp(shapes[i].table, table) == 0)
			return &shapes[i];
	}
	return NULL;
}

static bool
has_our_columns(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	const shape *s = find_shape(RelationGetRelationName(rel));

	if (s == NULL || desc->natts < s->n)
		return false;
	for (int i = 0; i < s->n; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->atttypid != s->columns[i].type || attribute->atttypmod != -1 ||
			attribute->attnotnull != s->columns[i].not_null)
			return false;
	}
	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attgenerated != '\0')
			return false;
	}
	return true;
}

static bool
has_our_triggers(Relation rel)
{
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (strncmp(trigger->tgname, OUR_TRIGGERS, strlen(OUR_TRIGGERS)) != 0 ||
			trigger->tgenabled != TRIGGER_FIRES_ON_ORIGIN)
			return false;
	}
	return true;
}

static bool
is_ours(Relation rel)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	return rel->rd_tableam == GetHeapamTableAmRoutine() && !rel->rd_rel->relhasrules &&
		!rel->rd_rel->relforcerowsecurity && !rel->rd_rel->relispartition &&
		(constr == NULL || constr->num_check == 0) && has_our_columns(rel) && has_our_triggers(rel);
}

static bool
keep(Oid relid, bool ours)
{
	if (n_answers < MAX_KNOWN)
		answers[n_answers++] = (known) {relid, ours};
	return ours;
}

bool
shape_is_ours(Relation rel)
{
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		return false;
	for (int i = 0; i < n_answers; i++)
	{
		if (answers[i].relid == RelationGetRelid(rel))
			return answers[i].ours;
	}
	return keep(RelationGetRelid(rel), is_ours(rel));
}
