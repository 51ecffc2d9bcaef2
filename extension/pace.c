/*-------------------------------------------------------------------------
 *
 * pace.c
 *	  How much a player may do in a minute.
 *
 * unichat.new_requests_per_minute: requests opened, whoever resolves them.  Each
 * one alerts the whole staff.  Whether a message opens one is known here alone;
 * so it is checked here, and on that rare path only.  The setting is the
 * session's own business: it is for programs that pass on what strangers write,
 * as unichat-bridge does, and not a fence against them.
 *
 * unichat.player_messages_per_minute: messages written by players' own sessions
 * (access.c), with nobody between them and us who could count.  This one is a
 * fence: a player cannot set it.
 *
 * Either is checked when the player's row is locked, so of two at once the
 * second sees the first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/guc.h"

#include "access.h"
#include "pace.h"
#include "plans.h"
#include "words.h"

static int	new_requests_per_minute = 0;
static int	player_messages_per_minute = 30;

/* With a limit of n: in how many seconds the n-th before this one will be a minute old. */
static plan request_wait = {
	"SELECT ceil(extract(epoch FROM created_at - clock_timestamp()) + 60)::bigint"
	" FROM @.chat_requests WHERE player_id = $1 AND id <> $2"
	" ORDER BY id DESC LIMIT 1 OFFSET $3 - 1",
	3, {TEXTOID, INT8OID, INT8OID}
};

static plan message_wait = {
	"SELECT ceil(extract(epoch FROM timestamp - clock_timestamp()) + 60)::bigint"
	" FROM @.chat_messages WHERE player_id = $1 AND sender = 'player'"
	" ORDER BY seq DESC LIMIT 1 OFFSET $2 - 1",
	2, {TEXTOID, INT8OID}
};

static void
refuse_for(int64 wait, const char *player_id, const char *what, const char *setting, int limit)
{
	ereport(ERROR,
			(errcode(ERRCODE_UC_PACE),
			 errmsg("player \"%s\" %s", player_id, what),
			 errdetail("Try again in " INT64_FORMAT " s.", wait),
			 errhint("%s is %d.", setting, limit)));
}

void
pace_check_request(const char *player_id, int64 request_id)
{
	arguments	args = {0};
	int64		wait;

	if (new_requests_per_minute == 0)
		return;
	add_text(&args, player_id);
	add_int8(&args, request_id);
	add_int8(&args, new_requests_per_minute);
	wait = plan_run(&request_wait, &args) > 0 ? row_int8(0, 1) : 0;
	if (wait > 0)
		refuse_for(wait, player_id, "opens too many requests",
				   "unichat.new_requests_per_minute", new_requests_per_minute);
}

void
pace_check_message(const char *player_id)
{
	arguments	args = {0};
	int64		wait;

	if (player_messages_per_minute == 0 || !access_is_players())
		return;
	add_text(&args, player_id);
	add_int8(&args, player_messages_per_minute);
	wait = plan_run(&message_wait, &args) > 0 ? row_int8(0, 1) : 0;
	if (wait > 0)
		refuse_for(wait, player_id, "writes too many messages",
				   "unichat.player_messages_per_minute", player_messages_per_minute);
}

void
pace_init(void)
{
	DefineCustomIntVariable("unichat.new_requests_per_minute",
							"How many requests a player may open in a minute.",
							"0: as many as he likes.",
							&new_requests_per_minute, 0, 0, 1000, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("unichat.player_messages_per_minute",
							"How many messages a player's own sessions may write in a minute.",
							"0: as many as they like.",
							&player_messages_per_minute, 30, 0, 100000, PGC_SUSET, 0, NULL, NULL, NULL);
}
