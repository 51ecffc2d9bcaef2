/*-------------------------------------------------------------------------
 *
 * payload.c
 *	  The JSON of one event: the only place that writes it.
 *
 * What is notified at commit and what is read back from the tables later must
 * be the same to the byte, for whoever compares them.  So both fill a
 * chat_event and come here.  docs/events.md is the contract: every field is
 * always there, ids are strings, times are RFC 3339 in UTC.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "args.h"
#include "payload.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_payload);

static void
put_name(StringInfo out, const char *name)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoChar(out, ',');
	appendStringInfoChar(out, '"');
	appendStringInfoString(out, name);
	appendStringInfoString(out, "\":");
}

static void
put_text(StringInfo out, const char *name, const char *value)
{
	put_name(out, name);
	if (value)
		escape_json(out, value);
	else
		appendStringInfoString(out, "null");
}

/* 64-bit ids are strings: a JavaScript number would lose digits. */
static void
put_id(StringInfo out, const char *name, int64 id)
{
	put_name(out, name);
	if (id)
		appendStringInfo(out, "\"" INT64_FORMAT "\"", id);
	else
		appendStringInfoString(out, "null");
}

static void
put_time(StringInfo out, const char *name, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	put_name(out, name);
	appendStringInfo(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", tm.tm_year, tm.tm_mon, tm.tm_mday,
					 tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
}

static void
put_xid(StringInfo out, uint64 xid)
{
	put_name(out, "xid");
	appendStringInfo(out, "\"" UINT64_FORMAT "\"", xid);
}

static void
put_seq(StringInfo out, int64 seq)
{
	put_name(out, "seq");
	appendStringInfo(out, INT64_FORMAT, seq);
}

static void
put_fields_of_kind(StringInfo out, const chat_event *e)
{
	if (strcmp(e->kind, "message") == 0)
	{
		put_id(out, "messageId", e->message_id);
		put_text(out, "sender", e->sender);
		put_text(out, "senderId", e->sender_id);
		put_text(out, "message", e->message_text);
		put_text(out, "clientMessageId", e->client_message_id);
	}
	else if (strcmp(e->kind, "request_created") == 0)
		put_text(out, "lastMessage", e->message_text ? preview_of(e->message_text) : NULL);
	else if (e->request_id == 0)
		put_text(out, "actor", e->actor);
	else
	{
		put_text(out, "fromStatus", e->from_status);
		put_text(out, "actor", e->actor);
	}
}

void
payload_whole(StringInfo out, const chat_event *e)
{
	appendStringInfoChar(out, '{');
	put_text(out, "playerId", e->player_id);
	put_text(out, "playerName", e->player_name);
	put_seq(out, e->seq);
	put_id(out, "requestId", e->request_id);
	put_text(out, "kind", e->kind);
	put_text(out, "status", e->to_status);
	put_text(out, "urgency", e->urgency);
	put_text(out, "assignedTo", e->assigned_to);
	put_time(out, "timestamp", e->at);
	put_fields_of_kind(out, e);
	put_xid(out, e->xid);
	appendStringInfoChar(out, '}');
}

char *
payload_reference(const chat_event *e)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	put_text(&out, "playerId", e->player_id);
	put_seq(&out, e->seq);
	put_id(&out, "requestId", e->request_id);
	put_text(&out, "kind", e->kind);
	put_xid(&out, e->xid);
	appendStringInfoString(&out, ",\"ref\":true}");
	return out.data;
}

/*
 * unichat_payload(player_id, player_name, seq, ...): the columns of an event
 * and of its message and request, as the SQL functions join them.
 */
Datum
unichat_payload(PG_FUNCTION_ARGS)
{
	chat_event	e = {
		.player_id = arg_text(fcinfo, 0),
		.player_name = arg_text(fcinfo, 1),
		.seq = arg_int8(fcinfo, 2),
		.request_id = arg_int8(fcinfo, 3),
		.kind = arg_text(fcinfo, 4),
		.message_id = arg_int8(fcinfo, 5),
		.from_status = arg_text(fcinfo, 6),
		.to_status = arg_text(fcinfo, 7),
		.urgency = arg_text(fcinfo, 8),
		.assigned_to = arg_text(fcinfo, 9),
		.actor = arg_text(fcinfo, 10),
		.sender = arg_text(fcinfo, 13),
		.sender_id = arg_text(fcinfo, 14),
		.message_text = arg_text(fcinfo, 15),
		.client_message_id = arg_text(fcinfo, 16),
	};
	StringInfoData out;

	if (!e.player_id || !e.kind || PG_ARGISNULL(11) || PG_ARGISNULL(12))
		PG_RETURN_NULL();
	e.at = PG_GETARG_TIMESTAMPTZ(11);
	e.xid = U64FromFullTransactionId(PG_GETARG_FULLTRANSACTIONID(12));
	initStringInfo(&out);
	payload_whole(&out, &e);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
