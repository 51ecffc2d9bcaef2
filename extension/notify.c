/*-------------------------------------------------------------------------
 *
 * notify.c
 *	  Notifications, on channels whose names nobody can guess.
 *
 * PostgreSQL has no privilege for LISTEN and NOTIFY: whoever is connected may
 * do both, on any channel whose name he knows.  So the names are the privilege.
 * Each is "unichat_KIND_SECRET" with 128 random bits that CREATE EXTENSION has
 * put into the table unichat_secret, which its owner alone reads.
 *
 * 1. No name is ever part of a statement, or a parameter of one, where logs and
 *	  pg_stat_activity would show it: unichat_listen() and unichat_notify() take
 *	  kinds, and the names are made here.
 * 2. A session sees the channels that it listens to itself, and no other's.
 * 3. What PostgreSQL would trace (trace_notify, which any user may set for
 *	  himself, the server's part of his own INSERT included) is not traced.
 * 4. Writers do not pay for it: a session reads the secret once.  DROP EXTENSION,
 *	  and a new secret, invalidate the table in every session's relation cache,
 *	  and that is when ours is forgotten.
 *
 * Who listens knows the names, and goes on knowing them when the right to call
 * unichat_listen() is taken away.  docs/operations.md says how to change them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "args.h"
#include "delivery.h"
#include "guard.h"
#include "names.h"
#include "notify.h"
#include "payload.h"
#include "plans.h"
#include "tables.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_listen);
PG_FUNCTION_INFO_V1(unichat_notify);
PG_FUNCTION_INFO_V1(unichat_secret_changed);

#define SECRET_TABLE "unichat_secret"

/* By notify_kind; the words of unichat_listen and unichat_notify. */
static const char *const words[] = {"event", "publish", "identity", "revoked", "probe"};

/* The channels' names, and the table that they are from; InvalidOid: not known. */
static char channels[lengthof(words)][NAMEDATALEN];
static Oid	known_from = InvalidOid;

static void
table_changed(Datum arg, Oid relid)
{
	if (relid == known_from || relid == InvalidOid)
		known_from = InvalidOid;
}

void
notify_init(void)
{
	CacheRegisterRelcacheCallback(table_changed, (Datum) 0);
}

static void
make_names(const char *secret)
{
	for (int i = 0; i < lengthof(words); i++)
		snprintf(channels[i], NAMEDATALEN, "unichat_%s_%s", words[i], secret);
}

/* As it is now: what a transaction of a higher isolation level may see can be an older one. */
static void
read_secret(void)
{
	Relation	rel = table_open(names_find(plans_schema(), SECRET_TABLE), AccessShareLock);
	Snapshot	now = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, now, 0, NULL);
	HeapTuple	row = systable_getnext(scan);
	bool		isnull;

	if (!HeapTupleIsValid(row))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is empty", SECRET_TABLE),
				 errhint("As its owner: INSERT INTO %s DEFAULT VALUES.", SECRET_TABLE)));
	make_names(TextDatumGetCString(heap_getattr(row, Anum_secret_secret, RelationGetDescr(rel), &isnull)));
	known_from = RelationGetRelid(rel);
	systable_endscan(scan);
	UnregisterSnapshot(now);
	table_close(rel, NoLock);
}

static const char *
channel_of(notify_kind kind)
{
	if (!OidIsValid(known_from))
		read_secret();
	return channels[kind];
}

/* Listens to the channel, or notifies a payload that is not NULL. */
static void
call_async(const char *channel, const char *payload)
{
	if (payload != NULL)
		Async_Notify(channel, payload);
	else
		Async_Listen(channel);
}

static void
call_untraced(const char *channel, const char *payload)
{
	if (!Trace_notify)
	{
		call_async(channel, payload);
		return;
	}
	PG_TRY();
	{
		Trace_notify = false;
		call_async(channel, payload);
	}
	PG_FINALLY();
	{
		Trace_notify = true;
	}
	PG_END_TRY();
}

void
notify(notify_kind kind, const char *payload)
{
	call_untraced(channel_of(kind), payload);
}

static void
listen_to(notify_kind kind)
{
	call_untraced(channel_of(kind), NULL);
}

static notify_kind
check_kind(const char *column, const char *word)
{
	for (int i = 0; word != NULL && i < lengthof(words); i++)
	{
		if (strcmp(word, words[i]) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UC_FIELD),
			 errmsg("unknown kind of notification"),
			 errdetail("A kind is event, publish, identity, revoked or probe."),
			 err_generic_string(PG_DIAG_COLUMN_NAME, column)));
}

static void
check_payload(const char *payload)
{
	if (payload == NULL || strlen(payload) > PAYLOAD_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg("invalid payload"),
				 errdetail("It has at most %d bytes.", PAYLOAD_MAX_BYTES),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "payload")));
}

/* As LISTEN refuses: who does not read what it hears would fill the queue for all. */
static void
check_can_listen(void)
{
	PreventCommandDuringRecovery("unichat_listen()");
	if (MyBackendType != B_BACKEND)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot listen within a background process")));
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot listen within a security-restricted operation")));
}

static void
listen_to_all(void *arg)
{
	Datum	   *kinds;
	bool	   *nulls;
	int			n;

	deconstruct_array(arg, TEXTOID, -1, false, TYPALIGN_INT, &kinds, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		notify_kind kind = check_kind("kinds", nulls[i] ? NULL : TextDatumGetCString(kinds[i]));

		listen_to(kind);
		if (kind == NOTIFY_EVENT)
			delivery_is_awaited();
	}
}

/*
 * unichat_listen(kinds): from this transaction's commit on, this session hears
 * of them.
 */
Datum
unichat_listen(PG_FUNCTION_ARGS)
{
	check_can_listen();
	if (PG_ARGISNULL(0))
		check_kind("kinds", NULL);
	guard_function(fcinfo, FRAME_OTHER, listen_to_all, PG_GETARG_ARRAYTYPE_P(0));
	PG_RETURN_VOID();
}

typedef struct notify_call
{
	notify_kind kind;
	const char *payload;
} notify_call;

static void
notify_as_called(void *arg)
{
	notify_call *call = arg;

	notify(call->kind, call->payload);
}

/*
 * unichat_notify(kind, payload): for the functions in SQL, and for the bridge.
 */
Datum
unichat_notify(PG_FUNCTION_ARGS)
{
	notify_call call = {check_kind("kind", arg_text(fcinfo, 0)), arg_text(fcinfo, 1)};

	check_payload(call.payload);
	PreventCommandDuringRecovery("unichat_notify()");
	guard_function(fcinfo, FRAME_OTHER, notify_as_called, &call);
	PG_RETURN_VOID();
}

/*
 * AFTER INSERT, UPDATE, DELETE ON unichat_secret FOR EACH STATEMENT: sessions
 * forget the names when this commits.  (TRUNCATE has them forgotten by itself.)
 */
Datum
unichat_secret_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = guard_check_trigger(fcinfo, SECRET_TABLE, AFTER_STATEMENT(INSERT) | AFTER_STATEMENT(UPDATE) |
											   AFTER_STATEMENT(DELETE));

	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}
