/*-------------------------------------------------------------------------
 *
 * request.h
 *	  Requests: opening, claiming, releasing, resolving.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_REQUEST_H
#define UNICHAT_REQUEST_H

#include "postgres.h"

#include "compat.h"
#include "payload.h"
#include "row.h"

/* What a request is after a statement. */
typedef struct request
{
	int64		id;
	const char *player_id;
	const char *player_name;
	const char *status;
	const char *urgency;
	const char *assigned_to;
	TimestampTz at;				/* the time of this change */
} request;

/* Fills it from the request's row. */
extern void request_read(request *r, const row *from);

/* Fills the fields of an event that are the request's. */
extern void request_describe(const request *r, chat_event *e);

/*
 * Stores and announces request_created with this seq, and queues the push.
 * message_id and text are the first message's; 0 and NULL when the request was
 * inserted by itself.
 */
extern void request_announce_created(const request *r, int64 seq, int64 message_id, const char *text);

/* UC012: r is somebody else's. */
pg_noreturn extern void refuse_claimed(int64 request_id, const char *owner);

#endif							/* UNICHAT_REQUEST_H */
