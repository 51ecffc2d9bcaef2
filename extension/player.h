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
 * takes the next n numbers.  Returns the last of them.  Lock the request first.
 */
extern int64 player_take_seqs(const char *player_id, int n, bool *blocked);

/* Stores the name, if there is one to store. */
extern void player_set_name(const char *player_id, const char *name_or_null);

/* Gives the last n numbers back, which nobody has seen. */
extern void player_return_seqs(const char *player_id, int n);

#endif							/* UNICHAT_PLAYER_H */
