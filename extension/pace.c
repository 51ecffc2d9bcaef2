/*-------------------------------------------------------------------------
 *
 * pace.c
 *	  How many requests a player may open in a minute, whoever resolves them:
 *	  unichat.new_requests_per_minute.
 *
 * Each one alerts the whole staff.  Whether a message opens one is known here
 * alone; so it is checked here, and on that rare path only.  By then the player's
 * row is locked, so of two at once the second sees the first.
 *
 * The setting is the session's own business: it is for programs that pass on
 * what strangers write, as unichat-bridge does, and not a fence against them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/guc.h"

#include "pace.h"
#include "plans.h"
#include "words.h"

static int	new_requests_per_minute = 0;

/* With a limit of n: in how many seconds the n-th before this one will be a minute old. */
static plan find_wait = {
	"SELECT ceil(extract(epoch FROM created_at - clock_timestamp()) + 60)::bigint"
	" FROM @.chat_requests WHERE player_id = $1 AND id <> $2"
	" ORDER BY id DESC LIMIT 1 OFFSET $3 - 1",
	3, {TEXTOID, INT8OID, INT8OID}
};

void
pace_check(const char *player_id, int64 request_id)
{
	arguments	args = {0};
	int64		wait;

	if (new_requests_per_minute == 0)
		return;
	add_text(&args, player_id);
	add_int8(&args, request_id);
	add_int8(&args, new_requests_per_minute);
	wait = plan_run(&find_wait, &args) > 0 ? row_int8(0, 1) : 0;
	if (wait > 0)
		ereport(ERROR,
				(errcode(ERRCODE_UC_PACE),
				 errmsg("player \"%s\" opens too many requests", player_id),
				 errdetail("Try again in " INT64_FORMAT " s.", wait),
				 errhint("unichat.new_requests_per_minute is %d.", new_requests_per_minute)));
}

void
pace_init(void)
{
	DefineCustomIntVariable("unichat.new_requests_per_minute",
							"How many requests a player may open in a minute.",
							"0: as many as he likes.",
							&new_requests_per_minute, 0, 0, 1000, PGC_USERSET, 0, NULL, NULL, NULL);
}
