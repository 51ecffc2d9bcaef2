/*-------------------------------------------------------------------------
 *
 * announce.c
 *	  Tells the listeners of events, when this transaction commits.
 *
 * NOTIFY is transactional: what is announced here is sent at commit, in the
 * order it was announced in, or never.  It is not durable, and need not be: a
 * listener that was away reads unichat_events_since().  The transaction may be
 * the writer's own or the delivery worker's (delivery.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "announce.h"
#include "notify.h"
#include "plans.h"

static plan find_outstanding = {
	"SELECT " ANNOUNCE_COLUMNS " FROM @.unichat_event_payloads"
	" WHERE player_id = $1 AND seq < $2 AND NOT notified AND NOT pg_visible_in_snapshot(xid, $3::pg_snapshot)"
	" ORDER BY seq",
	3, {TEXTOID, INT8OID, TEXTOID}
};

/* May an object of that size be sent as it is, and not the reference to it? */
static bool
fits(size_t payload_bytes)
{
	return payload_bytes <= PAYLOAD_MAX_BYTES;
}

void
announce(const chat_event *e)
{
	StringInfoData payload;

	initStringInfo(&payload);
	payload_whole(&payload, e);
	notify(NOTIFY_EVENT, fits(payload.len) ? payload.data : payload_reference(e));
	pfree(payload.data);
}

static char *
stored_reference(uint64 row, int first)
{
	chat_event	e = {
		.player_id = row_text(row, first + 1),
		.seq = row_int8(row, first + 2),
		.request_id = row_int8(row, first + 3),
		.kind = row_text(row, first + 4),
		.xid = strtou64(row_text(row, first + 5), NULL, 10),
	};

	return payload_reference(&e);
}

void
announce_stored(uint64 row, int first)
{
	char	   *payload = row_text(row, first);

	notify(NOTIFY_EVENT, fits(strlen(payload)) ? payload : stored_reference(row, first));
}

void
announce_outstanding(const char *player_id, int64 seq, const char *snapshot)
{
	arguments	args = {0};
	uint64		n;

	add_text(&args, player_id);
	add_int8(&args, seq);
	add_text(&args, snapshot);
	n = plan_run(&find_outstanding, &args);
	for (uint64 i = 0; i < n; i++)
		announce_stored(i, 1);
}
