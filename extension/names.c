/*-------------------------------------------------------------------------
 *
 * names.c
 *	  Our tables, indexes and sequences, by name.
 *
 * A message needs eight of them.  The catalog cache finds a name for a thousand
 * instructions; here it is a look into a short array.  What is in it holds until
 * PostgreSQL says that a relation, whichever, has changed, or until the schema
 * is another one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "names.h"

#define MAX_NAMES 16

typedef struct known
{
	const char *name;
	Oid			relid;
} known;

static known names[MAX_NAMES];
static int	n_names = 0;
static Oid	schema_of_names = InvalidOid;
static uint64 changes = 0;

static void
relation_changed(Datum arg, Oid relid)
{
	n_names = 0;
	changes++;
}

void
names_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

/* What changes while we look is not kept. */
static Oid
look_up(const char *name)
{
	uint64		before = changes;
	Oid			relid = get_relname_relid(name, schema_of_names);

	if (!OidIsValid(relid))
		elog(ERROR, "\"%s\" is missing", name);
	if (changes == before && n_names < MAX_NAMES)
		names[n_names++] = (known) {name, relid};
	return relid;
}

Oid
names_find(Oid schema, const char *name)
{
	if (schema_of_names != schema)
	{
		schema_of_names = schema;
		n_names = 0;
	}
	for (int i = 0; i < n_names; i++)
	{
		if (strcmp(names[i].name, name) == 0)
			return names[i].relid;
	}
	return look_up(name);
}
