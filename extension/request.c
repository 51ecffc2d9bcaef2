/*-------------------------------------------------------------------------
 *
 * request.c
 *	  Requests: opening, claiming, releasing, resolving.
 *
 *		waiting ---- claim ----> in_progress ---- resolve ----> resolved
 *		   ^ |						  |							   ^
 *		   | +------------ resolve ---|----------------------------+
 *		   +---------- release -------+			nothing leaves resolved
 *
 * The rules are in the BEFORE trigger, so a plain UPDATE and unichat_status()
 * obey the same.  By then the row is locked and OLD is its newest version, so a
 * decision holds until commit; that is how of two claims at once one wins:
 *
 *		A: UPDATE ... claim for a
 *									B: UPDATE ... claim for b: waits for A
 *		A: commits					B: OLD is in_progress of a: UC012, "a" has it
 *
 * Who acts is unichat_status()'s actor.  A plain UPDATE has none, and is taken
 * for an administrator's: it may release and resolve whatever it likes.
 *
 * Three statements change requests: unichat_status() or a plain UPDATE, a
 * message (placing.c, which has asked all questions itself), and erase and
 * prune (retention.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "args.h"
#include "compat.h"
#include "event.h"
#include "guard.h"
#include "message.h"
#include "pending.h"
#include "plans.h"
#include "player.h"
#include "request.h"
#include "row.h"
#include "tables.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_request_before);
PG_FUNCTION_INFO_V1(unichat_request_after);
PG_FUNCTION_INFO_V1(unichat_status);

static plan insert_push = {
	"INSERT INTO @.push_notifications (request_id, player_id, kind, urgency, title, body)"
	" VALUES ($1, $2, 'new_chat', $3, $4, $5)",
	5, {INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

static plan change_status = {
	"UPDATE @.chat_requests AS r SET status = $2,"
	" assigned_to = CASE $2 WHEN 'in_progress' THEN coalesce($3, assigned_to) ELSE assigned_to END"
	" WHERE id = $1 RETURNING r",
	3, {INT8OID, TEXTOID, TEXTOID}
};

/* A call of unichat_status, the arg of FRAME_STATUS. */
typedef struct status_call
{
	int64		request_id;
	const char *status;
	const char *actor;
	const char *expected;
	Datum		row;
} status_call;

/* A trigger call. */
typedef struct request_job
{
	TriggerData *trigger;
	row			old;
	row			new;
	const char *actor;
} request_job;

void
request_read(request *r, const row *from)
{
	r->id = get_int8(from, Anum_requests_id);
	r->player_id = get_text(from, Anum_requests_player_id);
	r->player_name = get_text(from, Anum_requests_player_name);
	r->status = get_text(from, Anum_requests_status);
	r->urgency = get_text(from, Anum_requests_urgency);
	r->assigned_to = get_text(from, Anum_requests_assigned_to);
	r->at = get_time(from, Anum_requests_updated_at);
}

void
request_describe(const request *r, chat_event *e)
{
	e->player_id = r->player_id;
	e->player_name = r->player_name;
	e->request_id = r->id;
	e->to_status = r->status;
	e->urgency = r->urgency;
	e->assigned_to = r->assigned_to;
	e->at = r->at;
}

void
request_announce_created(const request *r, int64 seq, int64 message_id, const char *text)
{
	chat_event	e = {.kind = "request_created", .seq = seq, .message_id = message_id, .message_text = text};
	arguments	args = {0};

	request_describe(r, &e);
	event_store(&e);

	add_id(&args, r->id);
	add_text(&args, r->player_id);
	add_text(&args, r->urgency);
	add_text(&args, r->player_name ? r->player_name : "");
	add_text(&args, text ? preview_of(text) : "");
	plan_run(&insert_push, &args);
}

void
refuse_claimed(int64 request_id, const char *owner)
{
	ereport(ERROR,
			(errcode(ERRCODE_UC_CLAIMED),
			 errmsg("request " INT64_FORMAT " is claimed by somebody else", request_id),
			 errdetail("It is assigned to \"%s\".", owner),
			 errhint("It has to be released first.")));
}

static void
refuse_transition(const row *old, status from, status to)
{
	ereport(ERROR,
			(errcode(ERRCODE_UC_TRANSITION),
			 errmsg("request " INT64_FORMAT " cannot go from %s to %s",
					get_int8(old, Anum_requests_id), status_word(from), status_word(to)),
			 errdetail("Nothing leaves resolved."),
			 errhint("The player's next message opens a new request.")));
}

static void
check_expected(const status_call *call, const char *now)
{
	if (call != NULL && call->expected != NULL && !same_text(call->expected, now))
		ereport(ERROR,
				(errcode(ERRCODE_UC_CHANGED),
				 errmsg("request " INT64_FORMAT " is not %s any more", call->request_id, call->expected),
				 errdetail("It is %s.", now)));
}

/* What is not to be changed by an UPDATE. */
static void
check_immutable(const request_job *job)
{
	static const int columns[] = {
		Anum_requests_id, Anum_requests_player_id, Anum_requests_created_at, Anum_requests_updated_at,
		Anum_requests_waiting_since, Anum_requests_first_response_at, Anum_requests_resolved_at,
		Anum_requests_last_message, Anum_requests_last_message_sender, Anum_requests_last_message_at,
	};

	for (int i = 0; i < lengthof(columns); i++)
	{
		if (!same_value(&job->old, &job->new, columns[i]))
			refuse_assigned(&job->new, columns[i]);
	}
}

/* Checks the name; one that says nothing is none. */
static void
set_name(row *r)
{
	if (check_name(get_text(r, Anum_requests_player_name)) == NULL && !is_null(r, Anum_requests_player_name))
		set_null(r, Anum_requests_player_name);
}

/* May actor (NULL: anybody) do this to a request that owner has? */
static void
check_owner(const request_job *job, const char *owner, const char *actor)
{
	if (owner != NULL && actor != NULL && strcmp(owner, actor) != 0)
		refuse_claimed(get_int8(&job->old, Anum_requests_id), owner);
}

/* A claim of what somebody else has; asked first, so that the loser learns who. */
static void
check_claim(const request_job *job)
{
	if (check_status(get_text(&job->new, Anum_requests_status)) == STATUS_IN_PROGRESS &&
		check_status(get_text(&job->old, Anum_requests_status)) == STATUS_IN_PROGRESS)
		check_owner(job, get_text(&job->old, Anum_requests_assigned_to), get_text(&job->new, Anum_requests_assigned_to));
}

/*
 * The rules of the diagram above; sets the columns that follow from the status.
 */
static void
change(request_job *job, TimestampTz now)
{
	row		   *new = &job->new;
	char	   *owner = get_text(&job->old, Anum_requests_assigned_to);
	char	   *claimant = get_text(new, Anum_requests_assigned_to);
	status		from = check_status(get_text(&job->old, Anum_requests_status));
	status		to = check_status(get_text(new, Anum_requests_status));

	if (from == STATUS_RESOLVED && (to != STATUS_RESOLVED || !same_text(owner, claimant)))
		refuse_transition(&job->old, from, to);

	if (to == STATUS_RESOLVED && from == STATUS_IN_PROGRESS)
		check_owner(job, owner, job->actor);

	if (to == STATUS_WAITING)
		set_null(new, Anum_requests_assigned_to);
	if (to == STATUS_WAITING && from == STATUS_IN_PROGRESS)
		set_time(new, Anum_requests_waiting_since, now);
	if (to == STATUS_RESOLVED && from != STATUS_RESOLVED)
	{
		set_time(new, Anum_requests_resolved_at, now);
		set_null(new, Anum_requests_waiting_since);
	}
	set_time(new, Anum_requests_updated_at, now);
}

static bool
unchanged(const request_job *job)
{
	static const int columns[] = {
		Anum_requests_status, Anum_requests_assigned_to, Anum_requests_urgency, Anum_requests_player_name,
	};

	for (int i = 0; i < lengthof(columns); i++)
	{
		if (!same_value(&job->old, &job->new, columns[i]))
			return false;
	}
	return true;
}

static void
refuse_other_trigger(const request_job *job, int column)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("another trigger has changed %s of request " INT64_FORMAT,
					column == Anum_requests_status ? "status" : "assigned_to",
					get_int8(&job->old, Anum_requests_id)),
			 errhint("Call unichat_status in an AFTER trigger instead.")));
}

/*
 * The AFTER trigger is only fired for statements that name status or
 * assigned_to, so nobody else's trigger may slip in a change of these.
 */
static void
check_named(const request_job *job, int column)
{
	if (!same_value(&job->old, &job->new, column) &&
		!bms_is_member(column - FirstLowInvalidHeapAttributeNumber, job->trigger->tg_updatedcols))
		refuse_other_trigger(job, column);
}

/* Nor into what a message does that claims the request. */
static void
check_claimed(const request_job *job, const message *m)
{
	const char *owner = get_text(&job->old, Anum_requests_assigned_to);

	if (!m->claimed)
		return;
	if (check_status(get_text(&job->new, Anum_requests_status)) != STATUS_IN_PROGRESS)
		refuse_other_trigger(job, Anum_requests_status);
	if (!same_text(owner ? owner : m->sender_id, get_text(&job->new, Anum_requests_assigned_to)))
		refuse_other_trigger(job, Anum_requests_assigned_to);
}

static HeapTuple
before_update(request_job *job)
{
	status_call *call = guard_within(FRAME_STATUS);
	message    *m = guard_within(FRAME_MESSAGE);
	HeapTuple	tuple = job->trigger->tg_newtuple;

	check_named(job, Anum_requests_status);
	check_named(job, Anum_requests_assigned_to);
	if (m != NULL)
		check_claimed(job, m);
	if (m != NULL || guard_within(FRAME_RETENTION))
		return tuple;
	if (call != NULL && call->request_id != get_int8(&job->old, Anum_requests_id))
		call = NULL;
	job->actor = call ? call->actor : NULL;

	check_immutable(job);
	check_claim(job);
	check_expected(call, get_text(&job->old, Anum_requests_status));
	check_urgency_given(get_text(&job->new, Anum_requests_urgency));
	set_name(&job->new);
	check_id("assigned_to", get_text(&job->new, Anum_requests_assigned_to), MAX_STAFF_ID_BYTES);
	if (!unchanged(job))
		change(job, GetCurrentTimestamp());
	return row_apply(&job->new, tuple);
}

static bool
is_restored(const row *r, Relation rel)
{
	if (is_null(r, Anum_requests_id))
		return false;
	if (!owns_table(RelationGetRelid(rel), GetUserId()))
		refuse_assigned(r, Anum_requests_id);
	check_player_id(get_text(r, Anum_requests_player_id));
	check_status(get_text(r, Anum_requests_status));
	check_urgency_given(get_text(r, Anum_requests_urgency));
	return true;
}

/* A request that is inserted, or that a message opens: that one brings its preview. */
static void
check_new_request(row *r, bool by_message)
{
	static const int columns[] = {
		Anum_requests_id, Anum_requests_assigned_to, Anum_requests_created_at, Anum_requests_updated_at, Anum_requests_waiting_since,
		Anum_requests_first_response_at, Anum_requests_resolved_at,
		Anum_requests_last_message_sender, Anum_requests_last_message_at, Anum_requests_last_message,
	};

	for (int i = 0; i < lengthof(columns) - by_message; i++)
	{
		if (!is_null(r, columns[i]))
			refuse_assigned(r, columns[i]);
	}
	check_player_id(get_text(r, Anum_requests_player_id));
	set_name(r);
	check_urgency_given(get_text(r, Anum_requests_urgency));
	if (check_status(get_text(r, Anum_requests_status)) != STATUS_WAITING)
		refuse_assigned(r, Anum_requests_status);
}

static HeapTuple
before_insert(request_job *job)
{
	row		   *r = &job->new;
	Relation	rel = job->trigger->tg_relation;
	message    *m = guard_within(FRAME_MESSAGE);
	TimestampTz now = GetCurrentTimestamp();
	int64		id;

	if (m == NULL && is_restored(r, rel))
		return job->trigger->tg_trigtuple;
	check_new_request(r, m != NULL);
	id = next_id(rel, "chat_requests_id_seq");
	set_int8(r, Anum_requests_id, id);
	set_time(r, Anum_requests_created_at, now);
	set_time(r, Anum_requests_updated_at, now);
	set_time(r, Anum_requests_waiting_since, now);
	if (m != NULL)
	{
		set_text(r, Anum_requests_last_message_sender, sender_word(m->sender));
		set_time(r, Anum_requests_last_message_at, now);
	}
	else
		(void) pending_add(RelationGetRelid(rel), id, sizeof(char));
	return row_apply(r, job->trigger->tg_trigtuple);
}

/*
 * BEFORE INSERT OR UPDATE ON chat_requests FOR EACH ROW.
 */
Datum
unichat_request_before(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = guard_check_trigger(fcinfo, "chat_requests", BEFORE_ROW(INSERT) | BEFORE_ROW(UPDATE));
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	request_job job = {.trigger = trigger};

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
	{
		row_read(&job.new, trigger->tg_trigtuple, desc);
		return PointerGetDatum(before_insert(&job));
	}
	row_read(&job.old, trigger->tg_trigtuple, desc);
	row_read(&job.new, trigger->tg_newtuple, desc);
	return PointerGetDatum(before_update(&job));
}

static void
announce_opened(void *arg)
{
	request_job *job = arg;
	request		r;

	request_read(&r, &job->new);
	request_announce_created(&r, player_take_seqs(r.player_id, 1, r.player_name, NULL), 0, NULL);
}

static void
announce_changed(void *arg)
{
	request_job *job = arg;
	request		r;
	chat_event	e = {.from_status = get_text(&job->old, Anum_requests_status)};

	request_read(&r, &job->new);
	request_describe(&r, &e);
	e.kind = strcmp(r.status, "waiting") == 0 ? "released"
		: strcmp(r.status, "resolved") == 0 ? "resolved" : "claimed";
	e.actor = job->actor ? job->actor : strcmp(e.kind, "claimed") == 0 ? r.assigned_to : NULL;
	e.seq = player_take_seqs(r.player_id, 1, NULL, NULL);
	event_store(&e);
}

/*
 * AFTER INSERT, AFTER UPDATE of status or assigned_to, ON chat_requests FOR
 * EACH ROW.  What a message did is announced with the message.
 */
Datum
unichat_request_after(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = guard_check_trigger(fcinfo, "chat_requests", AFTER_ROW(INSERT) | AFTER_ROW(UPDATE));
	Relation	rel = trigger->tg_relation;
	request_job job = {.trigger = trigger};
	status_call *call = guard_within(FRAME_STATUS);

	if (guard_within(FRAME_MESSAGE) || guard_within(FRAME_RETENTION))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
	{
		row_read(&job.new, trigger->tg_trigtuple, RelationGetDescr(rel));
		if (pending_take(RelationGetRelid(rel), get_int8(&job.new, Anum_requests_id)))
			guard_trigger(trigger, FRAME_OTHER, announce_opened, &job);
		return PointerGetDatum(NULL);
	}
	row_read(&job.old, trigger->tg_trigtuple, RelationGetDescr(rel));
	row_read(&job.new, trigger->tg_newtuple, RelationGetDescr(rel));
	if (call != NULL && call->request_id == get_int8(&job.new, Anum_requests_id))
		job.actor = call->actor;
	guard_trigger(trigger, FRAME_OTHER, announce_changed, &job);
	return PointerGetDatum(NULL);
}

static void
do_status(void *arg)
{
	status_call *call = arg;
	arguments	args = {0};

	add_int8(&args, call->request_id);
	add_text(&args, call->status);
	add_text(&args, call->actor);
	if (plan_run(&change_status, &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UC_NO_REQUEST),
				 errmsg("request " INT64_FORMAT " not found", call->request_id)));
	call->row = row_composite(0, 1, guard_caller_context());
}

/*
 * unichat_status(request_id, status, actor, expected) returns chat_requests
 */
Datum
unichat_status(PG_FUNCTION_ARGS)
{
	status_call call = {
		.request_id = arg_int8(fcinfo, 0),
		.status = arg_text(fcinfo, 1),
		.actor = arg_text(fcinfo, 2),
		.expected = arg_text(fcinfo, 3),
	};

	check_given("request_id", PG_ARGISNULL(0));
	check_status(call.status);
	if (call.expected)
		check_status_in("expected", call.expected);
	check_id("actor", call.actor, MAX_STAFF_ID_BYTES);
	guard_function(fcinfo, FRAME_STATUS, do_status, &call);
	PG_RETURN_DATUM(call.row);
}
