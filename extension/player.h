/*-------------------------------------------------------------------------
 *
 * player.h
 *	  A player's row: the lock that orders the player's events.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_PLAYER_H
#define UNICHAT_PLAYER_H

#include "postgres.h"

/*
 * Locks the player's row until commit, which is made if there is none, and
 * takes the next n numbers.  Returns the last of them.  Stores the name, if one
 * is given.  Lock the request first.
 */
extern int64 player_take_seqs(const char *player_id, int n, const char *name_or_null, bool *blocked);

/* Gives the last n numbers back, which nobody has seen. */
extern void player_return_seqs(const char *player_id, int n);

/* Stores an event that is about the player and about no request. */
extern void player_leave_event(const char *kind, const char *player_id, const char *actor_or_null,
							   const char *detail_or_null);

/* UC010. */
extern void refuse_unknown_player(const char *player_id) pg_attribute_noreturn();

#endif							/* UNICHAT_PLAYER_H */
