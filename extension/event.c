/*-------------------------------------------------------------------------
 *
 * event.c
 *	  Stores events, and keeps everybody else from doing so.
 *
 * An event refers to its message instead of copying it, so that a message that
 * is erased stays erased when events are read again.  What it does copy is the
 * state of the request after it, which moves on.
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
#include "utils/rel.h"
#include "utils/xid8.h"

#include "announce.h"
#include "compat.h"
#include "delivery.h"
#include "event.h"
#include "guard.h"
#include "plans.h"
#include "tables.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_event_before);

static plan insert_event = {
	"INSERT INTO @.chat_events (player_id, seq, request_id, kind, message_id, from_status, to_status, urgency,"
	" assigned_to, actor, detail, at, notified) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $13)",
	13, {TEXTOID, INT8OID, INT8OID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
	TIMESTAMPTZOID, BOOLOID}
};

void
event_store(chat_event *e)
{
	arguments	args = {0};
	delivery_mode mode = delivery_decide();

	add_text(&args, e->player_id);
	add_int8(&args, e->seq);
	add_id(&args, e->request_id);
	add_text(&args, e->kind);
	add_id(&args, e->message_id);
	add_text(&args, e->from_status);
	add_text(&args, e->to_status);
	add_text(&args, e->urgency);
	add_text(&args, e->assigned_to);
	add_text(&args, e->actor);
	add_text(&args, e->detail);
	add_time(&args, e->at);
	add_datum(&args, BoolGetDatum(mode != DELIVERY_WORKER), false);
	plan_run(&insert_event, &args);

	if (mode == DELIVERY_TRANSACTION)
	{
		e->xid = U64FromFullTransactionId(GetTopFullTransactionId());
		announce(e);
	}
}

/*
 * BEFORE INSERT ON chat_events FOR EACH ROW.
 */
Datum
unichat_event_before(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = guard_check_trigger(fcinfo, "chat_events");
	Relation	rel = trigger->tg_relation;
	int			column = Anum_events_xid;
	Datum		frozen = FullTransactionIdGetDatum(FullTransactionIdFromU64(FirstNormalTransactionId));
	bool		isnull = false;

	if (guard_nested())
		return PointerGetDatum(trigger->tg_trigtuple);
	if (!owns_table(RelationGetRelid(rel), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_UC_ASSIGNED),
				 errmsg("events are written by unichat alone"),
				 errhint("Send a message, or change a request's status.")));
	return PointerGetDatum(heap_modify_tuple_by_cols(trigger->tg_trigtuple, RelationGetDescr(rel),
													 1, &column, &frozen, &isnull));
}
