/*-------------------------------------------------------------------------
 *
 * announce.c
 *	  Tells the listeners of an event that this transaction has stored.
 *
 * NOTIFY is transactional: what is announced here is sent at commit, in the
 * order it was announced in, or never.  It is not durable, and need not be: a
 * listener that was away reads unichat_events_since().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/async.h"

#include "announce.h"

#define CHANNEL "unichat"

void
announce(const chat_event *e)
{
	StringInfoData payload;

	initStringInfo(&payload);
	payload_notify(&payload, e);
	Async_Notify(CHANNEL, payload.data);
	pfree(payload.data);
}
