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
 * Whoever is connected to a database may LISTEN to any channel; PostgreSQL has
 * no privilege for it.  Where players have sessions of their own, which are to
 * see one player each, notifications carry only the reference.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_auth_members.h"
#include "commands/async.h"
#include "utils/acl.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

#include "announce.h"

#define CHANNEL "unichat"

/* May sessions be connected that speak for one player alone? */
static bool
players_listen(void)
{
	Oid			role = get_role_oid("unichat_player", true);
	CatCList   *members = SearchSysCacheList1(AUTHMEMROLEMEM, ObjectIdGetDatum(role));
	bool		any = members->n_members > 0;

	ReleaseSysCacheList(members);
	return any;
}

bool
announce_whole(size_t payload_bytes)
{
	return payload_bytes <= PAYLOAD_MAX_BYTES && !players_listen();
}

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
	announce_payload(announce_whole(payload.len) ? payload.data : payload_reference(e));
	pfree(payload.data);
}
