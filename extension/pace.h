/*-------------------------------------------------------------------------
 *
 * pace.h
 *	  How many requests a player may open in a minute.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_PACE_H
#define UNICHAT_PACE_H

#include "postgres.h"

/* Refuses a request that the player has just opened (UC016), if it is one too many. */
extern void pace_check(const char *player_id, int64 request_id);

extern void pace_init(void);

#endif							/* UNICHAT_PACE_H */
