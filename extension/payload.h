/*-------------------------------------------------------------------------
 *
 * payload.h
 *	  The JSON of one event.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_PAYLOAD_H
#define UNICHAT_PAYLOAD_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

/* Everything that an event says.  NULL is unknown; an id of 0 likewise. */
typedef struct chat_event
{
	const char *player_id;
	const char *player_name;
	int64		seq;
	int64		request_id;
	const char *kind;
	int64		message_id;
	const char *from_status;
	const char *to_status;
	const char *urgency;
	const char *assigned_to;
	const char *actor;
	const char *detail;			/* JSON, stored only */
	bytea	   *message_digest; /* stored only */
	bytea	   *hash;			/* stored only; NULL: to be found when it is stored */
	TimestampTz at;
	uint64		xid;
	/* of kind message; of request_created, the first message's text */
	const char *sender;
	const char *sender_id;
	const char *message_text;
	const char *client_message_id;
} chat_event;

/* A NOTIFY of 8,000 bytes is an error; we keep a distance. */
#define PAYLOAD_MAX_BYTES 7900

/* Appends the whole object, of any length. */
extern void payload_whole(StringInfo out, const chat_event *e);

/* The reference to it, which always fits; palloc'd. */
extern char *payload_reference(const chat_event *e);

#endif							/* UNICHAT_PAYLOAD_H */
