/*-------------------------------------------------------------------------
 *
 * newest.h
 *	  Where a transaction finds the rows that it has changed itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_NEWEST_H
#define UNICHAT_NEWEST_H

#include "postgres.h"

#include "storage/itemptr.h"

typedef enum newest_row
{
	NEWEST_PLAYER,				/* chat_players */
	NEWEST_REQUEST,				/* chat_requests, the open one */
	NEWEST_ROWS
} newest_row;

/* The place of the player's row as this transaction has last left it, or NULL. */
extern ItemPointer newest_find(newest_row which, const char *player_id);

/* Remembers it, until the transaction ends. */
extern void newest_keep(newest_row which, const char *player_id, ItemPointer place);

#endif							/* UNICHAT_NEWEST_H */
