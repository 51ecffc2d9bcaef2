/*-------------------------------------------------------------------------
 *
 * verify.c
 *	  unichat_verify(): does a player's history fit its hash chain?
 *
 * Reads the player's events and messages in the order of seq and computes every
 * hash anew (chain.c).  Two things are no fault, because an event that is in
 * the chain itself says so:
 *
 *	- events that are not there, of which a later event "pruned" gives the first
 *	  and the last seq, and the last hash, from where the chain goes on;
 *	- messages that are not there, before an event "erased".
 *
 * The answer is the first thing that does not fit.  It is found by a hash that
 * is stored here as well; so whoever can rewrite the tables, and does it with
 * every hash, is only found by a newest hash that was noted elsewhere.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "args.h"
#include "chain.h"
#include "guard.h"
#include "plans.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_verify);

#define BATCH 1000

static plan find_last_seq = {
	"SELECT last_seq FROM @.chat_players WHERE player_id = $1",
	1, {TEXTOID}
};

static plan find_erased = {
	"SELECT max(seq) FROM @.chat_events WHERE player_id = $1 AND kind = 'erased'",
	1, {TEXTOID}
};

/* What does not look like ours is none. */
static plan find_pruned = {
	"SELECT (run ->> 'from')::bigint, (run ->> 'to')::bigint, decode(run ->> 'hash', 'hex')"
	" FROM @.chat_events e, jsonb_path_query(detail, '$.removed[*]', silent => true) run"
	" WHERE player_id = $1 AND kind = 'pruned' AND run ->> 'hash' ~ '^[0-9a-f]{64}$'"
	" AND run ->> 'from' ~ '^[0-9]{1,18}$'"
	" AND CASE WHEN run ->> 'to' ~ '^[0-9]{1,18}$' THEN (run ->> 'to')::bigint < e.seq END",
	1, {TEXTOID}
};

#define EVENT_FIRST		1
#define EVENT_HASH		(EVENT_FIRST + CHAIN_EVENT_NATTS)
#define MESSAGE_FIRST	(EVENT_HASH + 1)
#define MESSAGE_SEQ		(MESSAGE_FIRST + 3)
#define EVENT_SEQ		(EVENT_FIRST + 1)
#define EVENT_KIND		(EVENT_FIRST + 3)
#define EVENT_DIGEST	(EVENT_HASH - 1)

static plan find_history = {
	"SELECT " CHAIN_EVENT_COLUMNS ", e.hash, " CHAIN_MESSAGE_COLUMNS
	" FROM (SELECT * FROM @.chat_events WHERE player_id = $1) e"
	" FULL JOIN (SELECT * FROM @.chat_messages WHERE player_id = $1) m ON m.seq = e.seq"
	" ORDER BY coalesce(e.seq, m.seq)",
	1, {TEXTOID}
};

/* Events that a prune has removed, and the hash of the last of them. */
typedef struct run
{
	int64		from;
	int64		to;
	bytea	   *hash;
} run;

/* A call of unichat_verify, and how far it has come. */
typedef struct verify_call
{
	const char *player_id;
	int64		last_seq;
	int64		erased;			/* seq of the newest event "erased" */
	run		   *pruned;
	int			n_pruned;

	int64		seq;			/* of the last event that fits */
	bytea	   *hash;			/* and its hash; NULL before the first */
	int64		events;			/* that are there and fit */
	int64		bad_seq;
	const char *problem;		/* NULL: none so far */
	MemoryContext context;		/* hash is in */
} verify_call;

static void
fail(verify_call *call, int64 seq, const char *problem)
{
	call->bad_seq = seq;
	call->problem = problem;
}

/* The history fits up to seq, which has this hash. */
static void
advance(verify_call *call, int64 seq, const bytea *hash)
{
	MemoryContext old = MemoryContextSwitchTo(call->context);

	if (call->hash != NULL)
		pfree(call->hash);
	call->hash = DatumGetByteaPCopy(PointerGetDatum(hash));
	call->seq = seq;
	MemoryContextSwitchTo(old);
}

/* Goes over what was pruned, up to the event before this one. */
static void
skip_pruned(verify_call *call, int64 seq)
{
	for (int i = 0; i < call->n_pruned && call->seq + 1 < seq;)
	{
		run		   *r = &call->pruned[i++];

		if (r->from != call->seq + 1)
			continue;
		advance(call, r->to, r->hash);
		i = 0;					/* the next run may be any of them */
	}
}

static bool
fits(const verify_call *call, uint64 row, int64 as_seq)
{
	arguments	columns = {0};

	add_columns(&columns, row, EVENT_FIRST, CHAIN_EVENT_NATTS);
	columns.values[EVENT_SEQ - 1] = Int64GetDatum(as_seq);
	return chain_same(chain_event_hash(call->hash, &columns), row_bytea(row, EVENT_HASH));
}

static void
verify_message(verify_call *call, uint64 row, int64 seq)
{
	bool		there = row_int8(row, MESSAGE_SEQ) != 0;
	bool		wanted = strcmp(row_text(row, EVENT_KIND), "message") == 0;
	arguments	columns = {0};

	if (there && !wanted)
		fail(call, seq, "message without event");
	else if (!there && wanted && seq > call->erased)
		fail(call, seq, "message missing");
	if (!there || !wanted)
		return;
	add_columns(&columns, row, MESSAGE_FIRST, CHAIN_MESSAGE_NATTS);
	if (!chain_same(chain_message_digest(&columns), row_bytea(row, EVENT_DIGEST)))
		fail(call, seq, "message changed");
}

/* A message has no event: either may be what was tampered with. */
static void
judge_lone_message(verify_call *call, int64 seq)
{
	skip_pruned(call, seq + 1);
	if (call->seq < seq && seq <= call->last_seq)
		fail(call, call->seq + 1, "event missing");
	else
		fail(call, seq, "message without event");
}

static void
verify_row(verify_call *call, uint64 row)
{
	int64		seq = row_int8(row, EVENT_SEQ);

	if (seq == 0)
	{
		judge_lone_message(call, row_int8(row, MESSAGE_SEQ));
		return;
	}
	skip_pruned(call, seq);
	if (seq != call->seq + 1)
		fail(call, call->seq + 1, "event missing");
	else if (row_bytea(row, EVENT_HASH) == NULL)
		fail(call, seq, "event without hash");
	else if (!fits(call, row, seq))
		fail(call, seq, "event changed");
	else
		verify_message(call, row, seq);
	if (call->problem != NULL)
		return;
	advance(call, seq, row_bytea(row, EVENT_HASH));
	call->events++;
}

/* Is there another event that fits where this one does not? */
static void
look_for_moved(verify_call *call, uint64 row)
{
	if (row_int8(row, EVENT_SEQ) != 0 && fits(call, row, call->bad_seq))
		fail(call, call->bad_seq, "events reordered");
}

/* Calls each for the rows of the player's history, until it finds a problem, or another one. */
static void
for_each_row(verify_call *call, void (*each) (verify_call *call, uint64 row))
{
	arguments	args = {0};
	Portal		portal;
	const char *before = call->problem;
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "unichat verify", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;

	add_text(&args, call->player_id);
	portal = plan_open(&find_history, &args);
	do
	{
		SPI_cursor_fetch(portal, true, BATCH);
		old = MemoryContextSwitchTo(batch);
		for (uint64 i = 0; i < SPI_processed && call->problem == before; i++)
			each(call, i);
		MemoryContextSwitchTo(old);
		MemoryContextReset(batch);
		SPI_freetuptable(SPI_tuptable);
		CHECK_FOR_INTERRUPTS();
	} while (SPI_processed > 0 && call->problem == before);
	SPI_cursor_close(portal);
	MemoryContextDelete(batch);
}

static int64
read_int8(plan *p, const char *player_id, bool *found)
{
	arguments	args = {0};

	add_text(&args, player_id);
	*found = plan_read(p, &args) > 0;
	return *found ? row_int8(0, 1) : 0;
}

static void
read_pruned(verify_call *call)
{
	arguments	args = {0};

	add_text(&args, call->player_id);
	call->n_pruned = plan_read(&find_pruned, &args);
	call->pruned = palloc_array(run, call->n_pruned);
	for (int i = 0; i < call->n_pruned; i++)
	{
		call->pruned[i].from = row_int8(i, 1);
		call->pruned[i].to = row_int8(i, 2);
		call->pruned[i].hash = row_bytea(i, 3);
	}
}

static void
verify(void *arg)
{
	verify_call *call = arg;
	bool		found;
	bool		erased;

	call->context = guard_caller_context();
	call->last_seq = read_int8(&find_last_seq, call->player_id, &found);
	call->erased = read_int8(&find_erased, call->player_id, &erased);
	read_pruned(call);
	for_each_row(call, verify_row);
	if (!found && call->seq == 0 && call->problem == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UC_NO_REQUEST),
				 errmsg("player \"%s\" not found", call->player_id),
				 errdetail("This player has never written.")));
	if (call->problem == NULL && call->seq < call->last_seq)
		fail(call, call->seq + 1, "event missing");
	if (call->problem != NULL && strcmp(call->problem, "event changed") == 0)
		for_each_row(call, look_for_moved);
}

/*
 * unichat_verify(player_id) returns ok, events, head_seq, head_hash, bad_seq, problem
 */
Datum
unichat_verify(PG_FUNCTION_ARGS)
{
	verify_call call = {.player_id = arg_text(fcinfo, 0)};
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	check_player_id(call.player_id);
	guard_function(fcinfo, FRAME_OTHER, verify, &call);
	values[0] = BoolGetDatum(call.problem == NULL);
	values[1] = Int64GetDatum(call.events);
	values[2] = Int64GetDatum(call.seq);
	values[3] = PointerGetDatum(call.hash);
	nulls[3] = call.hash == NULL;
	values[4] = Int64GetDatum(call.bad_seq);
	nulls[4] = nulls[5] = call.problem == NULL;
	values[5] = call.problem ? CStringGetTextDatum(call.problem) : (Datum) 0;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
