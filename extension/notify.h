/*-------------------------------------------------------------------------
 *
 * notify.h
 *	  Notifications, on channels whose names nobody can guess.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_NOTIFY_H
#define UNICHAT_NOTIFY_H

#include "postgres.h"

/* What a notification is about; each has a channel of its own. */
typedef enum notify_kind
{
	NOTIFY_EVENT,				/* docs/events.md */
	NOTIFY_PUBLISH,				/* unichat_publish */
	NOTIFY_IDENTITY,			/* from bridge to bridge */
	NOTIFY_REVOKED,				/* chat_revocations has grown */
	NOTIFY_PROBE				/* a bridge, to itself */
} notify_kind;

/*
 * Notifies when this transaction commits.  plans_schema() is the extension's.
 * An error if the payload is too long.
 */
extern void notify(notify_kind kind, const char *payload);

extern void notify_init(void);

#endif							/* UNICHAT_NOTIFY_H */
