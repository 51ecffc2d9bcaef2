/*-------------------------------------------------------------------------
 *
 * announce.c
 *	  Tells the listeners of an event that this transaction has stored.
 *
 * NOTIFY is transactional: what is announced here is sent at commit, in the
 * order it was announced in, or never.  It is not durable, and need not be: a
 * listener that was away reads unichat_events_since().  The transaction may be
 * the writer's own or the delivery worker's (delivery.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/async.h"

#include "announce.h"

#define CHANNEL "unichat"

void
announce_payload(const char *payload)
{
	Async_Notify(CHANNEL, payload);
}

void
announce(const chat_event *e)
{
	StringInfoData payload;

	initStringInfo(&payload);
	payload_whole(&payload, e);
	announce_payload(payload.len <= PAYLOAD_MAX_BYTES ? payload.data : payload_reference(e));
	pfree(payload.data);
}
