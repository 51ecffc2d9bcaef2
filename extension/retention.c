/*-------------------------------------------------------------------------
 *
 * retention.c
 *	  History is append-only, except for erasing a player and pruning by age.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/rel.h"

#include "guard.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_append_only);

/*
 * BEFORE UPDATE, DELETE or TRUNCATE on what is history.
 */
Datum
unichat_append_only(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = guard_check_trigger(fcinfo, NULL);

	if (guard_within(FRAME_RETENTION) || guard_within(FRAME_MESSAGE))
		return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
							   : trigger->tg_trigtuple);
	ereport(ERROR,
			(errcode(ERRCODE_UC_APPEND_ONLY),
			 errmsg("rows of table \"%s\" are not changed or deleted",
					RelationGetRelationName(trigger->tg_relation)),
			 errhint("Use unichat_erase_player or unichat_prune.")));
	return PointerGetDatum(NULL);
}
