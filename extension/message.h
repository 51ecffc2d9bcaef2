/*-------------------------------------------------------------------------
 *
 * message.h
 *	  What a message's triggers share with unichat_send and with requests'
 *	  triggers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_MESSAGE_H
#define UNICHAT_MESSAGE_H

#include "postgres.h"

#include "player.h"
#include "request.h"
#include "words.h"

/* What was stored: by this statement, or (a replay) by an earlier one. */
typedef struct stored
{
	int64		message_id;
	int64		request_id;
	int64		seq;
	const char *status;
	bool		is_new_request;
	bool		is_replay;
	TimestampTz at;
} stored;

/*
 * A call of unichat_send, the arg of FRAME_SEND: what a row of chat_messages
 * has no column for, and what its trigger found.  Used by the first message
 * that is inserted within.
 */
typedef struct send_call
{
	const char *player_name;
	const char *urgency;
	bool		used;
	stored		result;
} send_call;

/* A message on its way in, the arg of FRAME_MESSAGE. */
typedef struct message
{
	const char *player_id;
	sender		sender;
	const char *sender_id;
	const char *text;
	const char *preview;
	const char *client_message_id;
	const char *player_name;
	const char *urgency;
	bool		any_request;	/* whichever is open; else this one alone: */
	int64		wanted_request;
	int64		id;

	request		request;
	bool		created;		/* this message opened the request */
	const char *request_name;	/* and gave it this name */
	bool		conflicted;		/* its INSERT came to nothing before */
	int64		conflict;		/* when this was the player's newest request */
	bool		claimed;		/* or claimed it */
	const char *claimed_from;	/* its status before */
	player_hasher hasher;		/* gives the hash of the message's event; or NULL */
	stored		result;
} message;

/*
 * Finds a place for the message: its request and its seq, with both rows
 * locked until commit.  Fills request, created, claimed and result; a replay
 * is told by result.is_replay, and nothing has been changed then.
 */
extern void message_place(message *m);

/*
 * Stores a message, of which the columns that are not assigned are given, and
 * fills the call's result.  False, and nothing is done: somebody else has a say
 * in it, so an INSERT has to do it.  In FRAME_SEND.
 */
extern bool message_send(send_call *call, const Datum *values, const bool *nulls);

#endif							/* UNICHAT_MESSAGE_H */
