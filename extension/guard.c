/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Who runs as whom: the frame around every entry from SQL.
 *
 * An application needs the right to INSERT into chat_messages, or to execute
 * unichat_send(), and no other: what our triggers and functions then read and
 * write, they do as the owner of the table or function.  That is what SECURITY
 * DEFINER and SET search_path would do, but those cost a catalog lookup and a
 * GUC stack for every call, which for a trigger means every message.
 *
 * 1. An entry switches to the owner, forbids SET ROLE
 *	  (SECURITY_LOCAL_USERID_CHANGE), and pins search_path to pg_catalog.  The
 *	  SQL of this library names its own tables with their schema (plans.c), so
 *	  no schema that a user can write to has a say in what a name means.  And
 *	  as cached plans are made anew whenever search_path differs, the pin is
 *	  what keeps ours.  It does not bind others' functions that our statements
 *	  fire: what they SET for themselves holds (compat.h).
 * 2. So does an entry within an entry.  It mostly finds that done, but there may
 *	  be a function of others between the two: SECURITY DEFINER, with a
 *	  search_path of its own.
 * 3. Frames form a stack, linked through C stack frames.  A trigger looks at
 *	  the frame it was fired from to learn what is going on (guard_within),
 *	  instead of at global variables, which an error would leave behind.
 *	  It was fired from the top frame if it is one trigger deeper than that:
 *
 *		depth 0		unichat_send: FRAME_SEND, INSERT
 *		depth 1			our trigger: FRAME_MESSAGE, opens a request
 *		depth 2				our trigger: within FRAME_MESSAGE
 *		depth 2				a trigger of others: claims the request
 *		depth 3					our trigger: within no frame, the rules hold
 *
 * 4. On an error only the stack's top is put back here.  User, search_path and
 *	  SPI are put back by the abort of the (sub)transaction, which every error
 *	  that anybody survives goes through.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "catalog/pg_proc.h"

#include "compat.h"
#include "guard.h"
#include "plans.h"

typedef struct frame
{
	struct frame *up;
	frame_kind	kind;
	void	   *arg;
	MemoryContext caller;
	Oid			role;
	int			depth;			/* of triggers, in which the body runs */
} frame;

static frame *top = NULL;

static int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

static void
run_in_spi(guarded body, void *arg)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	body(arg);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

static void
run_as(Oid owner, guarded body, void *arg)
{
	Oid			user;
	int			context;
	int			nest;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE);
	nest = path_pin();
	run_in_spi(body, arg);
	path_unpin(nest);
	SetUserIdAndSecContext(user, context);
}

static void
guard(Oid schema, Oid owner, frame_kind kind, guarded body, void *arg)
{
	frame		here = {top, kind, arg, CurrentMemoryContext};

	here.role = GetUserId();
	here.depth = trigger_depth();
	if (here.up == NULL)
		plans_free_outdated();
	plans_use_schema(schema);
	PG_TRY();
	{
		top = &here;
		run_as(owner, body, arg);
	}
	PG_FINALLY();
	{
		top = here.up;
	}
	PG_END_TRY();
}

void
guard_inner(frame_kind kind, guarded body, void *arg)
{
	frame		here = {top, kind, arg, top->caller, top->role, top->depth};

	PG_TRY();
	{
		top = &here;
		body(arg);
	}
	PG_FINALLY();
	{
		top = here.up;
	}
	PG_END_TRY();
}

void
guard_function(FunctionCallInfo fcinfo, frame_kind kind, guarded body, void *arg)
{
	Oid			funcid = fcinfo->flinfo->fn_oid;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Oid			schema;
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	schema = ((Form_pg_proc) GETSTRUCT(tuple))->pronamespace;
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	guard(schema, owner, kind, body, arg);
}

void
guard_trigger(TriggerData *trigger, frame_kind kind, guarded body, void *arg)
{
	Relation	rel = trigger->tg_relation;

	guard(RelationGetNamespace(rel), rel->rd_rel->relowner, kind, body, arg);
}

TriggerData *
guard_check_trigger(FunctionCallInfo fcinfo, const char *table, uint32 ways)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this function can only be called as a trigger")));
	if (RelationGetNamespace(trigger->tg_relation) != get_func_namespace(fcinfo->flinfo->fn_oid) ||
		(table && strcmp(RelationGetRelationName(trigger->tg_relation), table) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger function of unichat used on table \"%s\"",
						RelationGetRelationName(trigger->tg_relation))));
	if ((FIRED_AS(trigger->tg_event & (TRIGGER_EVENT_OPMASK | TRIGGER_EVENT_ROW | TRIGGER_EVENT_TIMINGMASK)) & ways) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger function of unichat used wrongly by trigger \"%s\" of table \"%s\"",
						trigger->tg_trigger->tgname, RelationGetRelationName(trigger->tg_relation)),
				 errdetail("It is for another event or another time, or FOR EACH ROW or STATEMENT where it has to be the other.")));
	return trigger;
}

MemoryContext
guard_caller_context(void)
{
	Assert(top);
	return top->caller;
}

bool
guard_own_statement(void)
{
	return top != NULL && trigger_depth() == top->depth + 1;
}

void *
guard_within(frame_kind kind)
{
	return top != NULL && top->kind == kind && guard_own_statement() ? top->arg : NULL;
}

Oid
guard_role(void)
{
	Assert(top);
	return top->role;
}
