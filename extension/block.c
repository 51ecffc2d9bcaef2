/*-------------------------------------------------------------------------
 *
 * block.c
 *	  unichat_block(): a player whose messages are refused, and who may write
 *	  again.
 *
 * A message looks at the player's row after it has locked it (placing.c), and so
 * do we change it; so a message is either before the block, or refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "args.h"
#include "guard.h"
#include "plans.h"
#include "player.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_block);

static plan set_blocked = {
	"UPDATE @.chat_players SET blocked = $2 WHERE player_id = $1 AND blocked <> $2",
	2, {TEXTOID, BOOLOID}
};

static plan find_player = {
	"SELECT p FROM @.chat_players p WHERE player_id = $1",
	1, {TEXTOID}
};

typedef struct block_call
{
	const char *player_id;
	bool		blocked;
	const char *actor;
	Datum		row;
} block_call;

static void
block(void *arg)
{
	block_call *call = arg;
	arguments	args = {0};
	arguments	found = {0};

	add_text(&args, call->player_id);
	add_datum(&args, BoolGetDatum(call->blocked), false);
	if (plan_run(&set_blocked, &args) > 0)
		player_leave_event(call->blocked ? "blocked" : "unblocked", call->player_id, call->actor, NULL);
	add_text(&found, call->player_id);
	if (plan_run(&find_player, &found) == 0)
		refuse_unknown_player(call->player_id);
	call->row = row_composite(0, 1, guard_caller_context());
}

/*
 * unichat_block(player_id, blocked, actor) returns chat_players
 */
Datum
unichat_block(PG_FUNCTION_ARGS)
{
	block_call	call = {.player_id = arg_text(fcinfo, 0), .actor = arg_text(fcinfo, 2)};

	check_player_id(call.player_id);
	check_given("blocked", PG_ARGISNULL(1));
	call.blocked = PG_GETARG_BOOL(1);
	check_id("actor", call.actor, MAX_STAFF_ID_BYTES);
	guard_function(fcinfo, FRAME_OTHER, block, &call);
	PG_RETURN_DATUM(call.row);
}
