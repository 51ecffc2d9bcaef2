/*-------------------------------------------------------------------------
 *
 * message.c
 *	  The triggers of chat_messages, and what unichat_send() does in their place.
 *
 * BEFORE INSERT checks the row, finds its place (placing.c) and fills in the
 * columns that are assigned.  AFTER INSERT, when the row is what it is going to
 * be, stores and announces the events:
 *
 *		seq n-1		request_created, or claimed, if this message did that
 *		seq n		message
 *
 * unichat_send() does the same without triggers, where there are no others.
 *
 * A replay (the same client_message_id from the same sender) suppresses the
 * row: INSERT reports 0 rows, and unichat_send() returns what is stored.
 *
 * A row that comes with its seq is one that a restore brings back.  It is
 * stored as it is, silently; only the table's owner may do that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "access.h"
#include "chain.h"
#include "compat.h"
#include "direct.h"
#include "event.h"
#include "guard.h"
#include "message.h"
#include "pending.h"
#include "row.h"
#include "tables.h"

PG_FUNCTION_INFO_V1(unichat_message_before);
PG_FUNCTION_INFO_V1(unichat_message_after);

/* What BEFORE knows and AFTER needs; kept in pending.c. */
typedef struct message_note
{
	request		request;
	const char *opening;		/* kind of the event before the message's, or NULL */
	const char *claimed_from;
} message_note;

/* A trigger call, or a row that needs none. */
typedef struct message_job
{
	message		m;				/* first: it is the frame's arg */
	Relation	rel;
	row			row;
	message_note *note;
	chat_event	event;			/* the message's, if its hash is known before it is stored */
} message_job;

/* Is this row brought back by a restore?  Refuses what is given by anyone else. */
static bool
is_restored(const row *r, Relation rel)
{
	static const int assigned[] = {
		Anum_messages_seq, Anum_messages_id, Anum_messages_timestamp, Anum_messages_salt,
	};
	int			given = 0;

	for (int i = 0; i < lengthof(assigned); i++)
	{
		if (!is_null(r, assigned[i]))
			given = assigned[i];
	}
	if (given == 0)
		return false;
	if (is_null(r, Anum_messages_seq) || !owns_table(RelationGetRelid(rel), GetUserId()))
		refuse_assigned(r, given);
	check_player_id(get_text(r, Anum_messages_player_id));
	check_sender(get_text(r, Anum_messages_sender));
	return true;
}

/* The call is unichat_send's, or NULL. */
static void
read_message(message *m, const row *r, const send_call *call)
{
	m->player_id = get_text(r, Anum_messages_player_id);
	m->sender = check_sender(get_text(r, Anum_messages_sender));
	m->sender_id = get_text(r, Anum_messages_sender_id);
	m->text = get_text(r, Anum_messages_message_text);
	m->client_message_id = get_text(r, Anum_messages_client_message_id);
	m->any_request = is_null(r, Anum_messages_request_id);
	m->wanted_request = get_int8(r, Anum_messages_request_id);
	check_player_id(m->player_id);
	check_message_text(m->text);
	check_id("sender_id", m->sender_id, MAX_STAFF_ID_BYTES);
	check_id("client_message_id", m->client_message_id, MAX_CLIENT_ID_BYTES);
	m->preview = preview_of(m->text);
	if (call != NULL && !call->used)
	{
		m->player_name = call->player_name;
		m->urgency = call->urgency;
	}
}

static void
fill_note(message_note *note, const message *m)
{
	note->request = m->request;
	note->claimed_from = m->claimed_from;
	note->opening = m->created ? "request_created" : m->claimed ? "claimed" : NULL;
}

static void
leave_note(message_job *job)
{
	message_note *note = pending_add(RelationGetRelid(job->rel), job->m.id, sizeof(message_note));

	fill_note(note, &job->m);
	note->request.player_id = NULL;
	note->request.player_name = pending_text(note->request.player_name);
	note->request.status = pending_text(note->request.status);
	note->request.urgency = pending_text(note->request.urgency);
	note->request.assigned_to = pending_text(note->request.assigned_to);
	note->claimed_from = pending_text(note->claimed_from);
}

/* Fills in what is assigned, but for the salt. */
static void
assign(message_job *job, int64 seq)
{
	message    *m = &job->m;

	if (m->id == 0)
		m->id = next_id(job->rel, "chat_messages_id_seq");
	set_int8(&job->row, Anum_messages_id, m->id);
	set_int8(&job->row, Anum_messages_request_id, m->request.id);
	set_int8(&job->row, Anum_messages_seq, seq);
	set_time(&job->row, Anum_messages_timestamp, m->request.at);
}

/* Finds the message's place, and fills in what is assigned. */
static void
place(void *arg)
{
	message_job *job = arg;
	message    *m = &job->m;
	stored	   *result = &m->result;

	access_check(m->player_id, sender_word(m->sender), m->sender_id);
	message_place(m);
	result->status = MemoryContextStrdup(guard_caller_context(), result->status ? result->status : "");
	if (result->is_replay)
		return;
	assign(job, result->seq);
	result->message_id = m->id;
}

static void
place_and_note(void *arg)
{
	message_job *job = arg;

	place(job);
	if (!job->m.result.is_replay)
		leave_note(job);
}

/*
 * BEFORE INSERT ON chat_messages FOR EACH ROW.  Its answer: the row with what
 * is assigned, or NULL for a replay.
 */
Datum
unichat_message_before(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = guard_check_trigger(fcinfo, "chat_messages", BEFORE_ROW(INSERT));
	send_call  *call = guard_within(FRAME_SEND);
	message_job job = {.rel = trigger->tg_relation};

	row_read(&job.row, trigger->tg_trigtuple, RelationGetDescr(job.rel));
	if (is_restored(&job.row, job.rel))
		return PointerGetDatum(trigger->tg_trigtuple);

	read_message(&job.m, &job.row, call);
	guard_trigger(trigger, FRAME_MESSAGE, place_and_note, &job.m);
	if (call != NULL && !call->used)
	{
		call->used = true;
		call->result = job.m.result;
	}
	if (job.m.result.is_replay)
		return PointerGetDatum(NULL);
	set_bytea(&job.row, Anum_messages_salt, chain_salt());
	return PointerGetDatum(row_apply(&job.row, trigger->tg_trigtuple));
}

static bytea *
digest_of(const row *r)
{
	arguments	columns = {0};

	if (!chain_is_on())
		return NULL;
	for (int i = 0; i < CHAIN_MESSAGE_NATTS; i++)
		add_datum(&columns, r->values[i], r->nulls[i]);
	return chain_message_digest(&columns);
}

/* The event of a staff's reply to a waiting request. */
static void
announce_claimed(const request *r, int64 seq, const char *from, const char *actor)
{
	chat_event	e = {.kind = "claimed", .seq = seq, .from_status = from, .actor = actor};

	request_describe(r, &e);
	event_store(&e);
}

/* The event of a message whose row is complete. */
static chat_event
event_of(const row *r, const request *req)
{
	chat_event	e = {.kind = "message", .seq = get_int8(r, Anum_messages_seq), .message_digest = digest_of(r)};

	e.message_id = get_int8(r, Anum_messages_id);
	e.sender = get_text(r, Anum_messages_sender);
	e.sender_id = get_text(r, Anum_messages_sender_id);
	e.actor = strcmp(e.sender, "player") == 0 ? NULL : e.sender_id;
	e.message_text = get_text(r, Anum_messages_message_text);
	e.client_message_id = get_text(r, Anum_messages_client_message_id);
	request_describe(req, &e);
	return e;
}

/* A player_hasher.  Its row is complete but for what is assigned. */
static bytea *
hash_event(void *arg, int64 seq, bytea *previous)
{
	message_job *job = arg;

	assign(job, seq);
	job->event = event_of(&job->row, &job->m.request);
	job->event.hash = event_hash(&job->event, previous);
	return job->event.hash;
}

static void
announce_message(void *arg)
{
	message_job *job = arg;
	request    *req = &job->note->request;
	chat_event	e;

	req->player_id = get_text(&job->row, Anum_messages_player_id);
	e = event_of(&job->row, req);
	if (job->note->opening == NULL)
		;
	else if (strcmp(job->note->opening, "claimed") == 0)
		announce_claimed(req, e.seq - 1, job->note->claimed_from, e.sender_id);
	else
		request_announce_created(req, e.seq - 1, e.message_id, e.message_text);
	event_store(&e);
}

/* The event is there already, complete. */
static void
announce_hashed(void *arg)
{
	message_job *job = arg;

	event_store(&job->event);
}

/*
 * AFTER INSERT ON chat_messages FOR EACH ROW.
 */
Datum
unichat_message_after(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = guard_check_trigger(fcinfo, "chat_messages", AFTER_ROW(INSERT));
	message_job job = {.rel = trigger->tg_relation};

	row_read(&job.row, trigger->tg_trigtuple, RelationGetDescr(job.rel));
	job.note = pending_take(RelationGetRelid(job.rel), get_int8(&job.row, Anum_messages_id));
	if (job.note != NULL)
		guard_trigger(trigger, FRAME_OTHER, announce_message, &job);
	return PointerGetDatum(NULL);
}

/* What the triggers and the INSERT between them do. */
static void
send_directly(direct *messages, message_job *job, const send_call *call)
{
	message_note note;

	read_message(&job->m, &job->row, call);
	set_bytea(&job->row, Anum_messages_salt, chain_salt());
	job->m.hasher = hash_event;
	guard_inner(FRAME_MESSAGE, place, &job->m);
	if (job->m.result.is_replay)
		return;
	direct_insert(messages, job->row.values, job->row.nulls);
	if (job->event.hash != NULL)
	{
		guard_inner(FRAME_OTHER, announce_hashed, job);
		return;
	}
	fill_note(&note, &job->m);
	job->note = &note;
	guard_inner(FRAME_OTHER, announce_message, job);
	job->note = NULL;
}

bool
message_send(send_call *call, const Datum *values, const bool *nulls)
{
	direct		messages;
	message_job job = {0};
	bool		possible;

	direct_open(&messages, "chat_messages");
	possible = messages.ours_alone && RelationGetDescr(messages.rel)->natts == Natts_messages;
	if (possible)
	{
		PreventCommandIfReadOnly("INSERT");
		job.rel = messages.rel;
		job.row.desc = RelationGetDescr(messages.rel);
		memcpy(job.row.values, values, Natts_messages * sizeof(Datum));
		memcpy(job.row.nulls, nulls, Natts_messages * sizeof(bool));
		send_directly(&messages, &job, call);
		call->used = true;
		call->result = job.m.result;
	}
	direct_close(&messages);
	return possible;
}
