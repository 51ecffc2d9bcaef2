/*-------------------------------------------------------------------------
 *
 * pace.h
 *	  How much a player may do in a minute.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_PACE_H
#define UNICHAT_PACE_H

#include "postgres.h"

/* Refuses a request that the player has just opened (UC016), if it is one too many. */
extern void pace_check_request(const char *player_id, int64 request_id);

/* Refuses a message of a player's own session (UC016), if it is one too many.  The player's row is locked. */
extern void pace_check_message(const char *player_id);

extern void pace_init(void);

#endif							/* UNICHAT_PACE_H */
