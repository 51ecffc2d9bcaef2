/*-------------------------------------------------------------------------
 *
 * placing.c
 *	  Finds a message's request and takes its seq.
 *
 * Locks are taken in the order request row, player row.  Each look here has a
 * snapshot of its own (in READ COMMITTED), and an update succeeds only on what
 * was found last (direct.h); so after it, what we have read is true until we
 * commit.
 *
 * Two first messages at once.  The partial unique index lets one request in;
 * ON CONFLICT waits for the other transaction, then finds it open or gone:
 *
 *		T1: open request: none
 *									T2: open request: none
 *		T1: INSERT request
 *									T2: INSERT: waits for T1
 *		T1: commits					T2: conflict, nothing inserted; from the top:
 *									T2: open request: T1's
 *
 * A message against resolving.  Either comes first; the message that comes
 * second opens a new request:
 *
 *		T1: UPDATE status resolved
 *									T2: open request: waits for T1
 *		T1: commits					T2: the row is resolved now: none
 *									T2: INSERT request
 *
 * The same client_message_id twice at once.  Every message changes the open
 * request, so a message that came after the second had found the request makes
 * its update fail, and it looks again:
 *
 *		T1: updates request, stores
 *									T2: finds request; looks for the message: none
 *									T2: updates request: waits for T1
 *		T1: commits					T2: the row has changed; from the top:
 *									T2: looks for the message: a replay
 *
 * If there is no request to find, the INSERT above ends in a conflict, and the
 * second starts from the top.  There is one way round both: the first opened a
 * request, wrote and resolved it in one transaction, so that the second's INSERT
 * succeeds after all.  So who has inserted looks once more, under both locks; a
 * replay then takes its own steps back, which nobody has seen:
 *
 *		T1: INSERT request, message, UPDATE resolved
 *									T2: finds no request; looks: nothing
 *									T2: INSERT: waits for T1
 *		T1: commits					T2: inserted; takes seq; looks: a replay
 *									T2: deletes the request, gives the seq back
 *
 * A first message against erasing its player.  The request takes the player's
 * name, which is certain only when the player's row is locked:
 *
 *		T1: erases the player
 *									T2: reads the name; INSERT request
 *									T2: takes seq: waits for T1
 *		T1: commits					T2: the row has no name: nor has the request
 *
 * In REPEATABLE READ and above, PostgreSQL turns each of these waits into a
 * serialization failure, as it should.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "direct.h"
#include "message.h"
#include "newest.h"
#include "pace.h"
#include "plans.h"
#include "player.h"
#include "row.h"
#include "tables.h"
#include "words.h"

/* A message's change of the open request, and one that claims it too. */
#define PREVIEW_COLUMNS Anum_requests_player_name, Anum_requests_urgency, Anum_requests_updated_at, \
	Anum_requests_waiting_since, Anum_requests_first_response_at, Anum_requests_last_message, \
	Anum_requests_last_message_sender, Anum_requests_last_message_at
#define PREVIEW_SQL "UPDATE @.chat_requests SET player_name = $3, urgency = $4, updated_at = $5, waiting_since = $6," \
	" first_response_at = $7, last_message = $8, last_message_sender = $9, last_message_at = $10"
#define PREVIEW_WHERE " WHERE ctid = $1 AND updated_at = $2 RETURNING ctid"
#define PREVIEW_TYPES TIDOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, \
	TEXTOID, TIMESTAMPTZOID

static direct_statement set_preview = {
	{PREVIEW_SQL PREVIEW_WHERE, 10, {PREVIEW_TYPES}},
	Anum_requests_updated_at,
	{PREVIEW_COLUMNS}
};

static direct_statement set_preview_and_owner = {
	{PREVIEW_SQL ", status = $11, assigned_to = $12" PREVIEW_WHERE, 12, {PREVIEW_TYPES, TEXTOID, TEXTOID}},
	Anum_requests_updated_at,
	{PREVIEW_COLUMNS, Anum_requests_status, Anum_requests_assigned_to}
};

static plan find_stored = {
	"SELECT m.id, m.request_id, m.seq, r.status, m.timestamp FROM @.chat_messages m"
	" LEFT JOIN @.chat_requests r ON r.id = m.request_id"
	" WHERE m.player_id = $1 AND m.client_message_id = $2 AND m.sender = $3",
	3, {TEXTOID, TEXTOID, TEXTOID}
};

static plan open_request = {
	"INSERT INTO @.chat_requests (player_id, player_name, urgency, last_message)"
	" VALUES ($1, $2, coalesce($3, 'normal'), $4)"
	" ON CONFLICT (player_id) WHERE status <> 'resolved' DO NOTHING"
	" RETURNING id",
	4, {TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

static plan newest_request = {
	"SELECT max(id) FROM @.chat_requests WHERE player_id = $1",
	1, {TEXTOID}
};

static plan forget_request = {
	"DELETE FROM @.chat_requests WHERE id = $1",
	1, {INT8OID}
};

static bool
is_resolved(const direct *requests)
{
	bool		isnull;
	Datum		status = heap_getattr(requests->tuple, Anum_requests_status, RelationGetDescr(requests->rel), &isnull);

	return strcmp(TextDatumGetCString(status), status_word(STATUS_RESOLVED)) == 0;
}

/*
 * The place where this transaction has left the open request may by now be that
 * of another one of the player's: after ROLLBACK TO, when it was pruned.  The index
 * has open ones alone.
 */
static bool
find_open(direct *requests, const message *m)
{
	ItemPointer hint = newest_find(NEWEST_REQUEST, m->player_id);
	ScanKeyData key;
	bool		found;

	direct_text_key(&key, Anum_requests_player_id, m->player_id);
	found = direct_find(requests, "chat_requests_open", hint, &key, 1);
	if (found && hint != NULL && is_resolved(requests))
		found = direct_find(requests, "chat_requests_open", NULL, &key, 1);
	return found;
}

static void
keep_request(message *m, direct *requests)
{
	row			r;

	row_read(&r, requests->tuple, RelationGetDescr(requests->rel));
	request_read(&m->request, &r);
	newest_keep(NEWEST_REQUEST, m->player_id, &requests->tuple->t_self);
}

/* Is there a message with its client_message_id?  Asked for every message, and hardly ever true. */
static bool
is_known(const message *m)
{
	ScanKeyData keys[3];
	direct		messages;
	bool		found;

	direct_text_key(&keys[0], Anum_messages_player_id, m->player_id);
	direct_text_key(&keys[1], Anum_messages_client_message_id, m->client_message_id);
	direct_text_key(&keys[2], Anum_messages_sender, sender_word(m->sender));
	direct_open(&messages, "chat_messages");
	found = direct_find(&messages, "chat_messages_client_id", NULL, keys, 3);
	direct_close(&messages);
	return found;
}

static bool
is_replay(message *m)
{
	arguments	args = {0};

	if (m->client_message_id == NULL || !is_known(m))
		return false;
	add_text(&args, m->player_id);
	add_text(&args, m->client_message_id);
	add_text(&args, sender_word(m->sender));
	if (plan_run(&find_stored, &args) == 0)
		return false;
	m->result.message_id = row_int8(0, 1);
	m->result.request_id = row_int8(0, 2);
	m->result.seq = row_int8(0, 3);
	m->result.status = row_text(0, 4);
	m->result.at = row_time(0, 5);
	m->result.is_replay = true;
	return true;
}

/* A reply claims a waiting request; it never takes one from its owner. */
static bool
accepts(const row *r, const message *m)
{
	const char *owner = get_text(r, Anum_requests_assigned_to);

	if (!m->any_request && m->wanted_request != get_int8(r, Anum_requests_id))
		return false;
	return m->sender != SENDER_STAFF || owner == NULL || m->sender_id == NULL || strcmp(owner, m->sender_id) == 0;
}

static void
set_if_null(row *r, int column, TimestampTz value)
{
	if (is_null(r, column))
		set_time(r, column, value);
}

static void
change_as_player(row *r, const message *m, TimestampTz now)
{
	set_if_null(r, Anum_requests_waiting_since, now);
	if (m->player_name != NULL)
		set_text(r, Anum_requests_player_name, m->player_name);
	if (m->urgency != NULL)
		set_text(r, Anum_requests_urgency, m->urgency);
}

static void
change_as_staff(row *r, message *m, TimestampTz now)
{
	m->claimed_from = get_text(r, Anum_requests_status);
	m->claimed = strcmp(m->claimed_from, status_word(STATUS_WAITING)) == 0 ||
		(is_null(r, Anum_requests_assigned_to) && m->sender_id != NULL);
	set_null(r, Anum_requests_waiting_since);
	set_if_null(r, Anum_requests_first_response_at, now);
	if (!m->claimed)
		return;
	set_text(r, Anum_requests_status, status_word(STATUS_IN_PROGRESS));
	if (is_null(r, Anum_requests_assigned_to))
		set_text(r, Anum_requests_assigned_to, m->sender_id);
}

/* Writes the message's preview into the request that was found; false if that has changed meanwhile. */
static bool
write_preview(direct *requests, row *r, message *m)
{
	TimestampTz now = GetCurrentTimestamp();

	set_text(r, Anum_requests_last_message, m->preview);
	set_text(r, Anum_requests_last_message_sender, sender_word(m->sender));
	set_time(r, Anum_requests_last_message_at, now);
	set_time(r, Anum_requests_updated_at, now);
	if (m->sender == SENDER_PLAYER)
		change_as_player(r, m, now);
	else if (m->sender == SENDER_STAFF)
		change_as_staff(r, m, now);
	if (!direct_update(requests, r, m->claimed ? &set_preview_and_owner : &set_preview))
		return false;
	keep_request(m, requests);
	return true;
}

/* The request that is open (NULL: none) is not one that this message may go to: says why, if it ends here. */
static void
refuse_unless_opening(const message *m, const row *open)
{
	int64		id = open ? get_int8(open, Anum_requests_id) : 0;

	if (!m->any_request && (open == NULL || m->wanted_request != id))
		ereport(ERROR,
				(errcode(ERRCODE_UC_CHANGED),
				 errmsg("request " INT64_FORMAT " is not the open request of player \"%s\"",
						m->wanted_request, m->player_id),
				 open ? errdetail("The open request is " INT64_FORMAT ".", id)
				 : errdetail("The player has no open request."),
				 errhint("Leave request_id out to write to the request that is open.")));
	if (open)
		refuse_claimed(id, get_text(open, Anum_requests_assigned_to));
	if (m->sender != SENDER_PLAYER)
		ereport(ERROR,
				(errcode(ERRCODE_UC_NOT_OPEN),
				 errmsg("player \"%s\" has no open request", m->player_id),
				 errdetail("Only a player's message opens a request."),
				 errhint("Wait for the player to write.")));
}

/*
 * The INSERT of a request came to nothing.  Another request was in its way, and
 * that one came after our look; or a trigger was, and then the player's newest
 * request is the same the next time.
 */
static void
check_conflict(direct *requests, message *m)
{
	arguments	args = {0};
	int64		newest;

	add_text(&args, m->player_id);
	plan_run(&newest_request, &args);
	newest = row_int8(0, 1);
	if (m->conflicted && m->conflict == newest)
		direct_refuse(requests, "It has suppressed a new request.");
	m->conflicted = true;
	m->conflict = newest;
}

/* Opens a request; false if somebody else has. */
static bool
insert_request(direct *requests, message *m)
{
	arguments	args = {0};

	m->request_name = m->player_name ? m->player_name : player_name(m->player_id);
	add_text(&args, m->player_id);
	add_text(&args, m->request_name);
	add_text(&args, m->urgency);
	add_text(&args, m->preview);
	m->created = plan_run(&open_request, &args) > 0;
	if (!m->created)
	{
		check_conflict(requests, m);
		return false;
	}
	if (!find_open(requests, m))
		direct_refuse(requests, "It has resolved, changed or deleted a new request.");
	keep_request(m, requests);
	return true;
}

/* One attempt at the message's request; false if it has changed meanwhile. */
static bool
try_request(direct *requests, message *m)
{
	bool		open = find_open(requests, m);
	row			r;

	if (is_replay(m))
		return true;
	if (open)
		row_read(&r, requests->tuple, RelationGetDescr(requests->rel));
	if (open && accepts(&r, m))
		return write_preview(requests, &r, m);
	refuse_unless_opening(m, open ? &r : NULL);
	return insert_request(requests, m);
}

/* Locks the request that the message goes to, opening one if need be. */
static void
find_request(message *m)
{
	direct		requests;

	direct_open(&requests, "chat_requests");
	while (!try_request(&requests, m))
		CHECK_FOR_INTERRUPTS();
	direct_close(&requests);
}

/* Gives the request that was opened another name. */
static void
rename_request(message *m, const char *name)
{
	direct		requests;
	row			r;

	direct_open(&requests, "chat_requests");
	if (!find_open(&requests, m))
		elog(ERROR, "request " INT64_FORMAT " is missing", m->request.id);
	row_read(&r, requests.tuple, RelationGetDescr(requests.rel));
	set_text(&r, Anum_requests_player_name, name);
	if (!direct_update(&requests, &r, &set_preview))
		elog(ERROR, "request " INT64_FORMAT " has changed", m->request.id);
	keep_request(m, &requests);
	direct_close(&requests);
}

static void
forget(message *m, int seqs)
{
	arguments	args = {0};

	add_int8(&args, m->request.id);
	if (plan_run(&forget_request, &args) == 0)
		refuse_trigger("chat_requests", "It has kept a request that no message has opened.");
	player_return_seqs(m->player_id, seqs);
}

void
message_place(message *m)
{
	player		locked;
	const char *name;
	int			seqs;

	find_request(m);
	if (m->result.is_replay)
		return;
	name = m->sender == SENDER_PLAYER ? m->player_name : NULL;
	seqs = m->created || m->claimed ? 2 : 1;
	m->result.seq = seqs == 1 ? player_take_seq(m->player_id, name, &locked, m->hasher, m)
		: player_take_seqs(m->player_id, seqs, name, &locked);
	if (m->created && is_replay(m))
	{
		forget(m, seqs);
		return;
	}
	if (locked.blocked && m->sender == SENDER_PLAYER)
		ereport(ERROR,
				(errcode(ERRCODE_UC_BLOCKED),
				 errmsg("player \"%s\" is blocked", m->player_id),
				 errhint("unichat_block ends it.")));
	if (m->created && !same_text(m->request_name, locked.name))
		rename_request(m, locked.name);
	if (m->created)
		pace_check_request(m->player_id, m->request.id);
	if (m->sender == SENDER_PLAYER)
		pace_check_message(m->player_id);
	m->result.request_id = m->request.id;
	m->result.status = m->request.status;
	m->result.at = m->request.at;
	m->result.is_new_request = m->created;
}
