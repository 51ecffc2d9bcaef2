/*-------------------------------------------------------------------------
 *
 * send.c
 *	  unichat_send(): an INSERT INTO chat_messages that returns what became of
 *	  it, and that takes what the table has no column for.
 *
 * Where nobody else's trigger, rule or constraint is on the table, the INSERT
 * is not even made: message.c does what it would have done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/timestamp.h"

#include "access.h"
#include "args.h"
#include "guard.h"
#include "message.h"
#include "plans.h"
#include "tables.h"

PG_FUNCTION_INFO_V1(unichat_send);

/* The columns that a caller gives. */
static const int given[] = {
	Anum_messages_player_id, Anum_messages_message_text, Anum_messages_sender, Anum_messages_sender_id,
	Anum_messages_client_message_id, Anum_messages_request_id,
};

static plan insert_message = {
	"INSERT INTO @.chat_messages (player_id, message_text, sender, sender_id, client_message_id, request_id)"
	" VALUES ($1, $2, $3, $4, $5, $6)",
	lengthof(given), {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID}
};

/* The call, and its arguments as columns of the row. */
typedef struct send_job
{
	send_call	call;			/* first: it is the frame's arg */
	const char *player_id;
	const char *sender;
	const char *sender_id;
	Datum		values[Natts_messages];
	bool		nulls[Natts_messages];
} send_job;

static void
insert(send_job *job)
{
	arguments	args = {0};

	for (int i = 0; i < lengthof(given); i++)
		add_datum(&args, job->values[given[i] - 1], job->nulls[given[i] - 1]);
	plan_run(&insert_message, &args);
	if (!job->call.used)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("the message was not stored"),
				 errdetail("Another trigger on chat_messages suppressed it, or the triggers of unichat are disabled.")));
}

static void
send_message(void *arg)
{
	send_job   *job = arg;

	access_check(job->player_id, job->sender, job->sender_id);
	if (!message_send(&job->call, job->values, job->nulls))
		insert(job);
}

static Datum
result_row(FunctionCallInfo fcinfo, const stored *s)
{
	TupleDesc	desc;
	Datum		values[7];
	bool		nulls[7] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	values[0] = Int64GetDatum(s->message_id);
	values[1] = Int64GetDatum(s->request_id);
	values[2] = Int64GetDatum(s->seq);
	values[3] = CStringGetTextDatum(s->status);
	values[4] = BoolGetDatum(s->is_new_request);
	values[5] = BoolGetDatum(s->is_replay);
	values[6] = TimestampTzGetDatum(s->at);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/*
 * unichat_send(player_id, message_text, sender, sender_id, client_message_id,
 *				player_name, urgency, request_id) returns unichat_sent
 */
Datum
unichat_send(PG_FUNCTION_ARGS)
{
	static const int argument[lengthof(given)] = {0, 1, 2, 3, 4, 7};
	send_job	job = {
		.player_id = arg_text(fcinfo, 0),
		.sender = arg_text(fcinfo, 2),
		.sender_id = arg_text(fcinfo, 3),
	};

	memset(job.nulls, true, sizeof(job.nulls));
	for (int i = 0; i < lengthof(given); i++)
	{
		job.values[given[i] - 1] = PG_GETARG_DATUM(argument[i]);
		job.nulls[given[i] - 1] = PG_ARGISNULL(argument[i]);
	}
	job.call.player_name = check_name(arg_text(fcinfo, 5));
	job.call.urgency = arg_text(fcinfo, 6);
	check_urgency(job.call.urgency);
	guard_function(fcinfo, FRAME_SEND, send_message, &job.call);
	return result_row(fcinfo, &job.call.result);
}
