/*-------------------------------------------------------------------------
 *
 * event.c
 *	  Stores events, and keeps everybody else from doing so.
 *
 * An event refers to its message instead of copying it, so that a message that
 * is erased stays erased when events are read again.  What it does copy is the
 * state of the request after it, which moves on.
 *
 * Each event's hash needs that of the event before it (chain.c).  That one is
 * stored already, but for an application's trigger that sends, in the middle of
 * a statement, a message of its own to the same player:
 *
 *		INSERT: BEFORE trigger takes seq 5
 *									AFTER trigger of the application sends:
 *									takes seq 6, stores event 6: no hash yet
 *		INSERT: AFTER trigger stores event 5, and gives event 6 its hash
 *
 * A message that opens and claims nothing has its event's hash before it takes
 * its seq, and leaves it in the player's row (player.c), where the next one finds
 * it without a look at this one.
 *
 * What one writer notifies must not overtake what another has left to the worker:
 *
 *		worker's way						in the transaction
 *		stores event 5, commits
 *											takes seq 6, finds event 5: not notified,
 *											and beyond the worker's position
 *											stores event 6 for the worker too
 *		the worker notifies 5, 6
 *
 * A worker advances its position after its commit, so what it covers is in the
 * queue of notifications, before anything of ours.  When there is no worker to
 * be had, we notify event 5 before event 6; who hears of it again drops it.
 *
 * Events are written by this library alone.  The only other rows that may come
 * are those of a restore, as the owner: their xid was given by another cluster
 * and means nothing here, so they get one that is older than every snapshot and
 * are never taken for news.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/xid8.h"

#include "announce.h"
#include "chain.h"
#include "compat.h"
#include "delivery.h"
#include "direct.h"
#include "event.h"
#include "guard.h"
#include "plans.h"
#include "tables.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_event_before);

/* All columns, in the table's order. */
static plan insert_event = {
	"INSERT INTO @.chat_events (player_id, seq, request_id, kind, message_id, from_status, to_status, urgency,"
	" assigned_to, actor, detail, at, xid, notified, message_digest, hash)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
	Natts_events, {TEXTOID, INT8OID, INT8OID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID,
	TIMESTAMPTZOID, XID8OID, BOOLOID, BYTEAOID, BYTEAOID}
};

static plan find_late = {
	"SELECT " CHAIN_EVENT_COLUMNS " FROM @.chat_events e WHERE player_id = $1 AND seq = $2 AND hash IS NULL",
	2, {TEXTOID, INT8OID}
};

static plan set_hash = {
	"UPDATE @.chat_events SET hash = $3 WHERE player_id = $1 AND seq = $2 AND hash IS NULL",
	3, {TEXTOID, INT8OID, BYTEAOID}
};

/* A transaction that has stored an event before the one that comes before it. */
static TransactionId late_in = InvalidTransactionId;

static void
add_own_columns(arguments *args, const chat_event *e)
{
	add_text(args, e->player_id);
	add_int8(args, e->seq);
	add_id(args, e->request_id);
	add_text(args, e->kind);
	add_id(args, e->message_id);
	add_text(args, e->from_status);
	add_text(args, e->to_status);
	add_text(args, e->urgency);
	add_text(args, e->assigned_to);
	add_text(args, e->actor);
	add_datum(args, e->detail ? DirectFunctionCall1(jsonb_in, CStringGetDatum(e->detail)) : (Datum) 0,
			  e->detail == NULL);
	add_time(args, e->at);
}

static void
add_bytea(arguments *args, bytea *value)
{
	add_datum(args, PointerGetDatum(value), value == NULL);
}

/* The event before this one: is it stored?  Its hash; NULL if it has none. */
static bool
find_previous(direct *events, const chat_event *e, bytea **hash)
{
	ScanKeyData keys[2];
	bool		isnull;
	Datum		value;

	*hash = NULL;
	direct_text_key(&keys[0], Anum_events_player_id, e->player_id);
	direct_int8_key(&keys[1], Anum_events_seq, e->seq - 1);
	if (!direct_find(events, "chat_events_pkey", NULL, keys, 2))
		return false;
	value = heap_getattr(events->tuple, Anum_events_hash, RelationGetDescr(events->rel), &isnull);
	if (!isnull)
		*hash = DatumGetByteaPP(value);
	return true;
}

/* The hash of an event that is about to be stored; NULL if it has to wait, or gets none. */
static bytea *
next_hash(direct *events, const chat_event *e, arguments columns)
{
	TransactionId xid = GetTopTransactionId();
	bytea	   *previous = NULL;

	if (!chain_is_on())
		return NULL;
	if (e->seq > 1)
	{
		if (!find_previous(events, e, &previous))
			late_in = xid;
		if (previous == NULL && late_in == xid)
			return NULL;
	}
	add_bytea(&columns, e->message_digest);
	return chain_event_hash(previous, &columns);
}

bytea *
event_hash(const chat_event *e, bytea *previous)
{
	arguments	columns = {0};
	direct		events;

	if (!chain_is_on())
		return NULL;
	if (previous == NULL && e->seq > 1)
	{
		direct_open(&events, "chat_events");
		(void) find_previous(&events, e, &previous);
		direct_close(&events);
		if (previous == NULL)
			return NULL;
	}
	add_own_columns(&columns, e);
	add_bytea(&columns, e->message_digest);
	return chain_event_hash(previous, &columns);
}

typedef struct late_event
{
	const char *player_id;
	int64		seq;
	bytea	   *hash;
} late_event;

static void
do_set_hash(void *arg)
{
	late_event *late = arg;
	arguments	args = {0};

	add_text(&args, late->player_id);
	add_int8(&args, late->seq);
	add_datum(&args, PointerGetDatum(late->hash), false);
	plan_run(&set_hash, &args);
}

/* Gives the events behind this one their hashes, as far as they are there. */
static void
chain_late_events(const char *player_id, int64 seq, const bytea *hash)
{
	late_event	late = {.player_id = player_id};

	for (;; hash = late.hash)
	{
		arguments	args = {0};
		arguments	covered = {0};

		late.seq = ++seq;
		add_text(&args, player_id);
		add_int8(&args, seq);
		if (plan_run(&find_late, &args) == 0)
			return;
		add_columns(&covered, 0, 1, CHAIN_EVENT_NATTS);
		late.hash = chain_event_hash(hash, &covered);
		guard_inner(FRAME_CHAIN, do_set_hash, &late);
	}
}

static void
insert(direct *events, arguments *columns)
{
	bool		nulls[Natts_events];

	if (!events->ours_alone || RelationGetDescr(events->rel)->natts != Natts_events)
	{
		plan_run(&insert_event, columns);
		return;
	}
	for (int i = 0; i < Natts_events; i++)
		nulls[i] = columns->nulls[i] == 'n';
	direct_insert(events, columns->values, nulls);
}

/* Was the event before this one left to the worker, and is it beyond the worker's position? */
static bool
waits_for_worker(direct *events, const chat_event *e, char *position)
{
	TupleDesc	desc = RelationGetDescr(events->rel);
	bytea	   *unused;
	bool		isnull;
	Datum		xid;

	/* who made the hash has found it already */
	if (e->seq == 1 || (events->tuple == NULL && !find_previous(events, e, &unused)) ||
		DatumGetBool(heap_getattr(events->tuple, Anum_events_notified, desc, &isnull)))
		return false;
	xid = heap_getattr(events->tuple, Anum_events_xid, desc, &isnull);
	return !DatumGetBool(DirectFunctionCall2(pg_visible_in_snapshot, xid,
											 DirectFunctionCall1(pg_snapshot_in, CStringGetDatum(position))));
}

/* How an event goes that we would notify in this transaction. */
static delivery_mode
keep_order(direct *events, const chat_event *e)
{
	char	   *position = delivery_worker_position();

	if (position == NULL || !waits_for_worker(events, e, position))
		return DELIVERY_TRANSACTION;
	if (delivery_leave_to_worker())
		return DELIVERY_WORKER;
	announce_outstanding(e->player_id, e->seq, position);
	return DELIVERY_TRANSACTION;
}

void
event_store(chat_event *e)
{
	arguments	columns = {0};
	delivery_mode mode = delivery_decide();
	FullTransactionId xid = GetTopFullTransactionId();
	direct		events;
	bytea	   *hash;

	direct_open(&events, "chat_events");
	add_own_columns(&columns, e);
	hash = e->hash ? e->hash : next_hash(&events, e, columns);
	if (mode == DELIVERY_TRANSACTION)
		mode = keep_order(&events, e);
	add_datum(&columns, FullTransactionIdGetDatum(xid), false);
	add_datum(&columns, BoolGetDatum(mode != DELIVERY_WORKER), false);
	add_bytea(&columns, e->message_digest);
	add_bytea(&columns, hash);
	insert(&events, &columns);
	direct_close(&events);
	if (hash != NULL && late_in == GetTopTransactionIdIfAny())
		chain_late_events(e->player_id, e->seq, hash);

	if (mode == DELIVERY_TRANSACTION)
	{
		e->xid = U64FromFullTransactionId(xid);
		announce(e);
	}
}

/*
 * BEFORE INSERT ON chat_events FOR EACH ROW.
 */
Datum
unichat_event_before(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = guard_check_trigger(fcinfo, "chat_events", BEFORE_ROW(INSERT));
	Relation	rel = trigger->tg_relation;
	int			column = Anum_events_xid;
	Datum		frozen = FullTransactionIdGetDatum(FullTransactionIdFromU64(FirstNormalTransactionId));
	bool		isnull = false;

	if (guard_own_statement())
		return PointerGetDatum(trigger->tg_trigtuple);
	if (!owns_table(RelationGetRelid(rel), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_UC_ASSIGNED),
				 errmsg("events are written by unichat alone"),
				 errhint("Send a message, or change a request's status.")));
	return PointerGetDatum(heap_modify_tuple_by_cols(trigger->tg_trigtuple, RelationGetDescr(rel),
													 1, &column, &frozen, &isnull));
}
