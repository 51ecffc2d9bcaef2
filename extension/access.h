/*-------------------------------------------------------------------------
 *
 * access.h
 *	  Whom a session speaks for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_ACCESS_H
#define UNICHAT_ACCESS_H

#include "postgres.h"

/*
 * Within an entry: may the role that called it do this to player_id's chat, as
 * sender (a word of chat_messages.sender), in the name of actor?  An error
 * (UC030, UC031) if that is a player's session and speaks for somebody else.
 */
extern void access_check(const char *player_id, const char *sender, const char *actor_or_null);

/* Within an entry: was it called by a player's session? */
extern bool access_is_players(void);

extern void access_init(void);

#endif							/* UNICHAT_ACCESS_H */
