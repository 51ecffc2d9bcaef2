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

#include "compat.h"

/* What the row says that is nobody else's to change now. */
typedef struct player
{
	const char *name;			/* NULL: none */
	bool		blocked;
} player;

/*
 * Locks the player's row until commit, which is made if there is none, and
 * takes the next n numbers.  Returns the last of them, and what the row says.
 * Stores the name, if one is given.  Lock the request first.
 */
extern int64 player_take_seqs(const char *player_id, int n, const char *name_or_null, player *locked_or_null);

/*
 * Gives the hash of the event that takes seq, or NULL; previous is that of the
 * event before, NULL if the row does not have it.  Called again, with others, if
 * somebody else was faster.
 */
typedef bytea *(*player_hasher) (void *arg, int64 seq, bytea *previous_or_null);

/* The same for one event, whose hash the row keeps for the event after it. */
extern int64 player_take_seq(const char *player_id, const char *name_or_null, player *locked_or_null,
							 player_hasher hasher, void *arg);

/* The name that the row has, without locking it; NULL if there is none. */
extern const char *player_name(const char *player_id);

/* Gives the last n numbers back, which nobody has seen. */
extern void player_return_seqs(const char *player_id, int n);

/* Stores an event that is about the player and about no request. */
extern void player_leave_event(const char *kind, const char *player_id, const char *actor_or_null,
							   const char *detail_or_null);

/* UC010. */
pg_noreturn extern void refuse_unknown_player(const char *player_id);

#endif							/* UNICHAT_PLAYER_H */
