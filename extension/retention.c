/*-------------------------------------------------------------------------
 *
 * retention.c
 *	  History is append-only, except for two functions: erasing a player, and
 *	  pruning by age.
 *
 * Both leave an event of their own, so that the trail says what became of the
 * rest, and so that clients drop what they show.  Both take locks like
 * everybody: requests, then players.
 *
 * Erasing removes what the player wrote and is called: messages, previews,
 * names, push texts.  The events stay, as the skeleton of what happened: kinds,
 * times, the staff's ids.  They never held any text.  A request that is opened
 * meanwhile cannot be seen before the player's row is locked, and not be locked
 * after it, or locks would be taken the other way round; then all is undone:
 *
 *		T1: INSERT request, message
 *									T2: erases the requests that it sees
 *									T2: wants the player's row, waits for T1
 *		T1: commits					T2: sees T1's request: 40001, once more
 *
 * One that is opened after it finds the row without a name (placing.c).
 *
 * Push rows have texts too: title and body from the start, and later what the
 * provider answered, which may quote them.  Erasing marks these rows, and what
 * is in flight is kept out by their locks: the result of an attempt looks at
 * the mark with the row locked, and a row that is copied is locked first, so
 * that the copy is either of an erased row, or there when we look again:
 *
 *		T1: copies a push row
 *									T2: erases it: waits for T1
 *		T1: commits					T2: looks again: erases the copy
 *
 * All of this needs statements that see what others have just committed.  So
 * erasing is refused in REPEATABLE READ and above.
 *
 * Pruning removes resolved requests that are older than an interval, with all
 * that belongs to them, and writes down where the chain of hashes goes on.  A
 * player's last_seq stays, so seqs go on and are never given out twice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "args.h"
#include "direct.h"
#include "event.h"
#include "guard.h"
#include "plans.h"
#include "player.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_append_only);
PG_FUNCTION_INFO_V1(unichat_erase_player);
PG_FUNCTION_INFO_V1(unichat_prune);

#define COPIES_MAX 100			/* of a push, one after another, while its player is erased */

/* An ordinary change of status, with its event. */
static plan resolve_open = {
	"UPDATE @.chat_requests SET status = 'resolved' WHERE player_id = $1 AND status <> 'resolved'",
	1, {TEXTOID}
};

static plan erase_requests = {
	"UPDATE @.chat_requests SET player_name = NULL, last_message = NULL, updated_at = clock_timestamp()"
	" WHERE player_id = $1",
	1, {TEXTOID}
};

static plan erase_messages = {
	"DELETE FROM @.chat_messages WHERE player_id = $1",
	1, {TEXTOID}
};

static plan erase_pushes = {
	"UPDATE @.push_notifications SET title = '', body = '', data = '{}', last_error = NULL, erased = true"
	" WHERE NOT erased AND request_id IN (SELECT id FROM @.chat_requests WHERE player_id = $1)",
	1, {TEXTOID}
};

/* With the rows above locked. */
static plan erase_attempts = {
	"UPDATE @.push_attempts SET error = NULL WHERE error IS NOT NULL AND push_id IN ("
	"  SELECT n.id FROM @.push_notifications n JOIN @.chat_requests r ON r.id = n.request_id WHERE r.player_id = $1)",
	1, {TEXTOID}
};

static plan erase_player = {
	"UPDATE @.chat_players SET player_name = NULL WHERE player_id = $1",
	1, {TEXTOID}
};

/* With the player's row locked: a request that was not there yet when the others were erased. */
static plan find_late = {
	"SELECT FROM @.chat_requests WHERE player_id = $1"
	" AND (status <> 'resolved' OR player_name IS NOT NULL OR last_message IS NOT NULL)",
	1, {TEXTOID}
};

/* After all of these: where something has stayed, which another's trigger has seen to. */
static plan find_left = {
	"SELECT 'chat_messages' FROM @.chat_messages WHERE player_id = $1"
	" UNION ALL SELECT 'chat_players' FROM @.chat_players WHERE player_id = $1 AND player_name IS NOT NULL"
	" UNION ALL SELECT 'push_notifications' FROM @.push_notifications n JOIN @.chat_requests r ON r.id = n.request_id"
	"  WHERE r.player_id = $1 AND (n.title, n.body, n.data, n.last_error, n.erased) IS DISTINCT FROM ('', '', '{}', NULL, true)"
	" UNION ALL SELECT 'push_attempts' FROM @.push_attempts a JOIN @.push_notifications n ON n.id = a.push_id"
	"  JOIN @.chat_requests r ON r.id = n.request_id WHERE r.player_id = $1 AND a.error IS NOT NULL"
	" LIMIT 1",
	1, {TEXTOID}
};

/* Whoever prunes at the same time takes other requests. */
static plan find_old = {
	"SELECT id, player_id FROM ("
	"  SELECT id, player_id FROM @.chat_requests WHERE status = 'resolved' AND resolved_at < $1"
	"  ORDER BY resolved_at LIMIT $2 FOR UPDATE SKIP LOCKED) old"
	" ORDER BY player_id, id",
	2, {TIMESTAMPTZOID, INT8OID}
};

/*
 * What goes of player $1 with the requests $2, for whoever verifies the rest:
 * the first and the last seq of each run of events, and the hash of the last.
 */
static plan describe_removed = {
	"SELECT jsonb_build_object('requests', cardinality($2), 'removed', jsonb_agg(jsonb_build_object("
	" 'from', first, 'to', last, 'hash', encode(hash, 'hex')) ORDER BY first))::text"
	" FROM (SELECT min(seq) AS first, max(seq) AS last, (array_agg(hash ORDER BY seq DESC))[1] AS hash"
	"  FROM (SELECT seq, hash, seq - row_number() OVER (ORDER BY seq) AS run FROM @.chat_events"
	"   WHERE player_id = $1 AND request_id = ANY ($2)) e GROUP BY run) runs",
	2, {TEXTOID, INT8ARRAYOID}
};

/* What belongs to request $2 of player $1. */
static plan prune_request[] = {
	{"DELETE FROM @.push_notifications WHERE player_id = $1 AND request_id = $2", 2, {TEXTOID, INT8OID}},
	{"DELETE FROM @.chat_messages WHERE player_id = $1 AND request_id = $2", 2, {TEXTOID, INT8OID}},
	{"DELETE FROM @.chat_events WHERE player_id = $1 AND request_id = $2", 2, {TEXTOID, INT8OID}},
	{"DELETE FROM @.chat_requests WHERE player_id = $1 AND id = $2", 2, {TEXTOID, INT8OID}},
};

static plan find_unpruned = {
	"SELECT 'push_notifications' FROM @.push_notifications WHERE player_id = $1 AND request_id = $2"
	" UNION ALL SELECT 'chat_messages' FROM @.chat_messages WHERE player_id = $1 AND request_id = $2"
	" UNION ALL SELECT 'chat_events' FROM @.chat_events WHERE player_id = $1 AND request_id = $2"
	" UNION ALL SELECT 'chat_requests' FROM @.chat_requests WHERE player_id = $1 AND id = $2"
	" LIMIT 1",
	2, {TEXTOID, INT8OID}
};

/* Pushes that tell of many chats. */
static plan prune_digests = {
	"DELETE FROM @.push_notifications WHERE kind = 'digest' AND created_at < $1",
	1, {TIMESTAMPTZOID}
};

/* A call of either function. */
typedef struct retention_call
{
	const char *player_id;
	const char *actor;
	TimestampTz before;
	int64		max_requests;
	int64		done;
} retention_call;

/* Is this one of the few changes of history that are our own? */
static bool
is_ours(TriggerData *trigger)
{
	const char *table = RelationGetRelationName(trigger->tg_relation);

	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return guard_within(FRAME_RETENTION) ||
			(guard_within(FRAME_MESSAGE) && strcmp(table, "chat_requests") == 0);	/* placing.c: forget */
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return guard_within(FRAME_CHAIN) && strcmp(table, "chat_events") == 0;	/* event.c: a late hash */
	return false;
}

/*
 * BEFORE UPDATE, DELETE or TRUNCATE on what is history.
 */
Datum
unichat_append_only(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = guard_check_trigger(fcinfo, NULL, BEFORE_ROW(UPDATE) | BEFORE_ROW(DELETE) | BEFORE_STATEMENT(TRUNCATE));

	if (is_ours(trigger))
		return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
							   : trigger->tg_trigtuple);
	ereport(ERROR,
			(errcode(ERRCODE_UC_APPEND_ONLY),
			 errmsg("rows of table \"%s\" are not changed or deleted",
					RelationGetRelationName(trigger->tg_relation)),
			 errhint("Use unichat_erase_player or unichat_prune.")));
	return PointerGetDatum(NULL);
}

static uint64
run_for_player(plan *p, const char *player_id)
{
	arguments	args = {0};

	add_text(&args, player_id);
	return plan_run(p, &args);
}

static void
resolve(void *arg)
{
	retention_call *call = arg;

	run_for_player(&resolve_open, call->player_id);
}

static void
erase(void *arg)
{
	retention_call *call = arg;
	const char *player_id = call->player_id;

	run_for_player(&erase_requests, player_id);
	if (run_for_player(&erase_player, player_id) == 0)
		refuse_unknown_player(player_id);
	if (run_for_player(&find_late, player_id) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("player \"%s\" has opened a request at this moment", player_id),
				 errhint("Call unichat_erase_player again.")));
	call->done = run_for_player(&erase_messages, player_id);
	for (int i = 0; i < COPIES_MAX && run_for_player(&erase_pushes, player_id) > 0; i++)
		CHECK_FOR_INTERRUPTS();
	run_for_player(&erase_attempts, player_id);
	if (run_for_player(&find_left, player_id) > 0)
		refuse_trigger(row_text(0, 1), "It has kept something of a player who is to be erased.");
	player_leave_event("erased", player_id, call->actor, psprintf("{\"messages\": " INT64_FORMAT "}", call->done));
}

static uint64
run_for_request(plan *p, const char *player_id, int64 request_id)
{
	arguments	args = {0};

	add_text(&args, player_id);
	add_int8(&args, request_id);
	return plan_run(p, &args);
}

static void
prune_one(const char *player_id, int64 request_id)
{
	for (int i = 0; i < lengthof(prune_request); i++)
		run_for_request(&prune_request[i], player_id, request_id);
	if (run_for_request(&find_unpruned, player_id, request_id) > 0)
		refuse_trigger(row_text(0, 1), "It has kept rows of a request that is to be pruned.");
}

/* The event comes first, while the one before it is still there. */
static void
prune_player(const char *player_id, const char *actor, Datum *requests, int n)
{
	arguments	args = {0};

	CHECK_FOR_INTERRUPTS();
	add_text(&args, player_id);
	add_datum(&args, PointerGetDatum(construct_array(requests, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
			  false);
	plan_run(&describe_removed, &args);
	player_leave_event("pruned", player_id, actor, row_text(0, 1));
	for (int i = 0; i < n; i++)
		prune_one(player_id, DatumGetInt64(requests[i]));
}

/* The rows come sorted by player: one event for each. */
static void
prune(void *arg)
{
	retention_call *call = arg;
	arguments	args = {0};
	uint64		n;
	Datum	   *requests;
	char	  **players;
	uint64		first = 0;		/* of this player's */
	arguments	before = {0};

	add_time(&before, call->before);
	plan_run(&prune_digests, &before);
	add_time(&args, call->before);
	add_int8(&args, call->max_requests);
	n = plan_run(&find_old, &args);
	requests = palloc_array(Datum, n);
	players = palloc_array(char *, n);
	for (uint64 i = 0; i < n; i++)
	{
		requests[i] = Int64GetDatum(row_int8(i, 1));
		players[i] = row_text(i, 2);
	}

	for (uint64 i = 0; i < n; i++)
	{
		if (i + 1 < n && strcmp(players[i], players[i + 1]) == 0)
			continue;
		prune_player(players[i], call->actor, requests + first, i + 1 - first);
		first = i + 1;
	}
	call->done = n;
}

static void
check_isolation(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("unichat_erase_player needs READ COMMITTED"),
				 errdetail("This transaction does not see what others have committed since it began, so some of it would stay."),
				 errhint("Call it outside of a transaction, or begin with SET TRANSACTION ISOLATION LEVEL READ COMMITTED.")));
}

/*
 * unichat_erase_player(player_id, actor) returns the number of messages erased
 */
Datum
unichat_erase_player(PG_FUNCTION_ARGS)
{
	retention_call call = {.player_id = arg_text(fcinfo, 0), .actor = arg_text(fcinfo, 1)};

	check_player_id(call.player_id);
	check_id("actor", call.actor, MAX_STAFF_ID_BYTES);
	check_isolation();
	guard_function(fcinfo, FRAME_OTHER, resolve, &call);
	guard_function(fcinfo, FRAME_RETENTION, erase, &call);
	PG_RETURN_INT64(call.done);
}

#define MOST_REQUESTS 1000000	/* that one call may take; an array of them has to fit into memory */

/*
 * unichat_prune(older_than, actor, max_requests) returns the number of requests
 */
Datum
unichat_prune(PG_FUNCTION_ARGS)
{
	retention_call call = {.actor = arg_text(fcinfo, 1)};
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz before;

	check_span("older_than", PG_ARGISNULL(0) ? NULL : PG_GETARG_INTERVAL_P(0));
	check_id("actor", call.actor, MAX_STAFF_ID_BYTES);
	check_given("max_requests", PG_ARGISNULL(2));
	call.max_requests = PG_GETARG_INT32(2);
	if (call.max_requests < 1 || call.max_requests > MOST_REQUESTS)
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg("max_requests must be 1 to %d", MOST_REQUESTS),
				 errhint("Call it until it returns 0."),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "max_requests")));

	/* An interval of several signs may be positive as a whole, and yet lead into the future. */
	before = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(now), PG_GETARG_DATUM(0)));
	call.before = Min(before, now);
	guard_function(fcinfo, FRAME_RETENTION, prune, &call);
	PG_RETURN_INT64(call.done);
}
