/*-------------------------------------------------------------------------
 *
 * player.c
 *	  A player's row: the lock that orders the player's events.
 *
 * An event's seq is last_seq + 1 of the player's row, and the UPDATE that takes
 * it keeps the row locked until commit.  So seqs of a player become visible in
 * their order, without a gap, and "everything after seq N" can never skip a
 * late committer:
 *
 *		T1: takes 5
 *									T2: wants the next, waits for T1
 *		T1: commits					T2: takes 6	 (or 5, if T1 aborted)
 *
 * Who needs a request's row too locks that one first (architecture.md): a
 * plain UPDATE of a request has it locked before any trigger can run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "access.h"
#include "args.h"
#include "event.h"
#include "guard.h"
#include "newest.h"
#include "plans.h"
#include "player.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_read);

#define TAKEN " RETURNING last_seq, blocked, ctid"

static plan take = {
	"UPDATE @.chat_players SET last_seq = last_seq + $2 WHERE player_id = $1" TAKEN,
	2, {TEXTOID, INT8OID}
};

static plan take_again = {
	"UPDATE @.chat_players SET last_seq = last_seq + $2 WHERE ctid = $3 AND player_id = $1" TAKEN,
	3, {TEXTOID, INT8OID, TIDOID}
};

static plan create_and_take = {
	"INSERT INTO @.chat_players AS p (player_id, last_seq) VALUES ($1, $2)"
	" ON CONFLICT (player_id) DO UPDATE SET last_seq = p.last_seq + $2" TAKEN,
	2, {TEXTOID, INT8OID}
};

static plan set_name = {
	"UPDATE @.chat_players SET player_name = $2 WHERE player_id = $1 AND player_name IS DISTINCT FROM $2",
	2, {TEXTOID, TEXTOID}
};

static plan mark_read = {
	"UPDATE @.chat_players AS p"
	" SET player_read_seq = CASE $2 WHEN 'player' THEN greatest(player_read_seq, least($3, last_seq))"
	" ELSE player_read_seq END,"
	" staff_read_seq = CASE $2 WHEN 'staff' THEN greatest(staff_read_seq, least($3, last_seq))"
	" ELSE staff_read_seq END"
	" WHERE player_id = $1 RETURNING p",
	3, {TEXTOID, TEXTOID, INT8OID}
};

/* Adds to last_seq where this transaction has left the row; false if it is not there. */
static bool
try_take_again(const char *player_id, int n)
{
	arguments	args = {0};
	ItemPointer place = newest_find(NEWEST_PLAYER, player_id);

	if (place == NULL)
		return false;
	add_text(&args, player_id);
	add_int8(&args, n);
	add_place(&args, place);
	return plan_run(&take_again, &args) > 0;
}

int64
player_take_seqs(const char *player_id, int n, bool *blocked)
{
	arguments	args = {0};

	add_text(&args, player_id);
	add_int8(&args, n);
	if (!try_take_again(player_id, n) && plan_run(&take, &args) == 0)
		plan_run(&create_and_take, &args);
	newest_keep(NEWEST_PLAYER, player_id, row_place(0, 3));
	*blocked = row_bool(0, 2);
	return row_int8(0, 1);
}

void
player_return_seqs(const char *player_id, int n)
{
	arguments	args = {0};

	add_text(&args, player_id);
	add_int8(&args, -n);
	plan_run(&take, &args);
}

void
player_set_name(const char *player_id, const char *name)
{
	arguments	args = {0};

	if (name == NULL)
		return;
	add_text(&args, player_id);
	add_text(&args, name);
	plan_run(&set_name, &args);
}

void
player_leave_event(const char *kind, const char *player_id, const char *actor, const char *detail)
{
	bool		blocked;
	chat_event	e = {.kind = kind, .player_id = player_id, .actor = actor, .detail = detail};

	e.seq = player_take_seqs(player_id, 1, &blocked);
	e.at = GetCurrentTimestamp();
	event_store(&e);
}

void
refuse_unknown_player(const char *player_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UC_NO_REQUEST),
			 errmsg("player \"%s\" not found", player_id),
			 errdetail("This player has never written.")));
}

typedef struct read_call
{
	const char *player_id;
	const char *reader;
	int64		seq;
	Datum		row;
} read_call;

static void
do_read(void *arg)
{
	read_call  *call = arg;
	arguments	args = {0};

	access_check(call->player_id, call->reader, NULL);
	add_text(&args, call->player_id);
	add_text(&args, call->reader);
	add_int8(&args, call->seq);
	if (plan_run(&mark_read, &args) == 0)
		refuse_unknown_player(call->player_id);
	call->row = row_composite(0, 1, guard_caller_context());
}

/*
 * unichat_read(player_id, reader, seq) returns chat_players
 */
Datum
unichat_read(PG_FUNCTION_ARGS)
{
	read_call	call = {.player_id = arg_text(fcinfo, 0), .reader = arg_text(fcinfo, 1), .seq = arg_int8(fcinfo, 2)};

	check_player_id(call.player_id);
	if (call.reader == NULL || (strcmp(call.reader, "player") != 0 && strcmp(call.reader, "staff") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg("invalid reader"),
				 errhint("Use player or staff."),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "reader")));
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg("seq must not be null"),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "seq")));
	guard_function(fcinfo, FRAME_OTHER, do_read, &call);
	PG_RETURN_DATUM(call.row);
}
