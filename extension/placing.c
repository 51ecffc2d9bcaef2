/*-------------------------------------------------------------------------
 *
 * placing.c
 *	  Finds a message's request and takes its seq.
 *
 * Locks are taken in the order request row, player row.  Each statement here
 * has a snapshot of its own (in READ COMMITTED), and an UPDATE waits for
 * whoever holds the row and then looks at it again; so after a lock is taken,
 * what we read is true until we commit.
 *
 * Two first messages at once.  The partial unique index lets one request in;
 * ON CONFLICT waits for the other transaction, then finds it open or gone:
 *
 *		T1: UPDATE open: none
 *									T2: UPDATE open: none
 *		T1: INSERT request
 *									T2: INSERT: waits for T1
 *		T1: commits					T2: conflict, nothing inserted; from the top:
 *									T2: UPDATE open: T1's request
 *
 * A message against resolving.  Either comes first; the message that comes
 * second opens a new request:
 *
 *		T1: UPDATE status resolved
 *									T2: UPDATE open: waits for T1
 *		T1: commits					T2: the row is resolved now: none
 *									T2: INSERT request
 *
 * The same client_message_id twice at once.  Both lock the open request before
 * they look, so the second looks when the first has committed.  If none is open
 * to lock, the second comes out of the INSERT above with a conflict, and starts
 * from the top.  There is one way round both: the first opened a request, wrote
 * and resolved it in one transaction, so that the second's INSERT succeeds after
 * all.  So who has inserted looks once more, under both locks; a replay then
 * takes its own steps back, which nobody has seen:
 *
 *		T1: INSERT request, message, UPDATE resolved
 *									T2: lock open: none; look: nothing
 *									T2: INSERT: waits for T1
 *		T1: commits					T2: inserted; takes seq; looks: a replay
 *									T2: deletes the request, gives the seq back
 *
 * In REPEATABLE READ and above, PostgreSQL turns each of these waits into a
 * serialization failure, as it should.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "guard.h"
#include "message.h"
#include "newest.h"
#include "pace.h"
#include "plans.h"
#include "player.h"

#define REQUEST_COLUMNS "id, player_name, status, urgency, assigned_to, updated_at, ctid"
#define OPEN_ONE "player_id = $1 AND status <> 'resolved' AND id = coalesce($2, id)"

/* A lock on the request that is open, without changing it. */
static plan lock_open = {
	"SELECT FROM @.chat_requests WHERE player_id = $1 AND status <> 'resolved' FOR NO KEY UPDATE",
	1, {TEXTOID}
};

static plan find_stored = {
	"SELECT m.id, m.request_id, m.seq, r.status, m.timestamp FROM @.chat_messages m"
	" LEFT JOIN @.chat_requests r ON r.id = m.request_id"
	" WHERE m.player_id = $1 AND m.client_message_id = $2 AND m.sender = $3",
	3, {TEXTOID, TEXTOID, TEXTOID}
};

/*
 * A message's preview goes into the open request: by the index, or where this
 * transaction has left the row (newest.h).  clock_timestamp() is evaluated anew
 * when the UPDATE had to wait.
 */
#define AS_PLAYER \
	"UPDATE @.chat_requests SET last_message = $3, last_message_sender = 'player'," \
	" last_message_at = clock_timestamp(), updated_at = clock_timestamp()," \
	" waiting_since = coalesce(waiting_since, clock_timestamp())," \
	" player_name = coalesce($4, player_name), urgency = coalesce($5, urgency)" \
	" WHERE " OPEN_ONE

/* A reply claims a waiting request; it never takes one from its owner. */
#define AS_STAFF \
	"UPDATE @.chat_requests SET last_message = $3, last_message_sender = 'staff'," \
	" last_message_at = clock_timestamp(), updated_at = clock_timestamp(), waiting_since = NULL," \
	" first_response_at = coalesce(first_response_at, clock_timestamp())," \
	" status = 'in_progress', assigned_to = coalesce(assigned_to, $4)" \
	" WHERE " OPEN_ONE " AND (assigned_to IS NULL OR assigned_to = coalesce($4, assigned_to))"

#define AS_SYSTEM \
	"UPDATE @.chat_requests SET last_message = $3, last_message_sender = 'system'," \
	" last_message_at = clock_timestamp(), updated_at = clock_timestamp()" \
	" WHERE " OPEN_ONE

/* By sender. */
static plan write_open[] = {
	{AS_PLAYER " RETURNING " REQUEST_COLUMNS, 5, {TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID}},
	{AS_STAFF " RETURNING " REQUEST_COLUMNS, 4, {TEXTOID, INT8OID, TEXTOID, TEXTOID}},
	{AS_SYSTEM " RETURNING " REQUEST_COLUMNS, 3, {TEXTOID, INT8OID, TEXTOID}}
};

static plan write_open_again[] = {
	{AS_PLAYER " AND ctid = $6 RETURNING " REQUEST_COLUMNS, 6, {TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TIDOID}},
	{AS_STAFF " AND ctid = $5 RETURNING " REQUEST_COLUMNS, 5, {TEXTOID, INT8OID, TEXTOID, TEXTOID, TIDOID}},
	{AS_SYSTEM " AND ctid = $4 RETURNING " REQUEST_COLUMNS, 4, {TEXTOID, INT8OID, TEXTOID, TIDOID}}
};

static plan find_open = {
	"SELECT id, assigned_to FROM @.chat_requests WHERE player_id = $1 AND status <> 'resolved'",
	1, {TEXTOID}
};

static plan open_request = {
	"INSERT INTO @.chat_requests (player_id, player_name, urgency, last_message)"
	" VALUES ($1, coalesce($2, (SELECT player_name FROM @.chat_players WHERE player_id = $1)),"
	" coalesce($3, 'normal'), $4)"
	" ON CONFLICT (player_id) WHERE status <> 'resolved' DO NOTHING"
	" RETURNING " REQUEST_COLUMNS,
	4, {TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

static plan forget_request = {
	"DELETE FROM @.chat_requests WHERE id = $1",
	1, {INT8OID}
};

static void
keep_request(message *m)
{
	m->request.id = row_int8(0, 1);
	m->request.player_id = m->player_id;
	m->request.player_name = row_text(0, 2);
	m->request.status = row_text(0, 3);
	m->request.urgency = row_text(0, 4);
	m->request.assigned_to = row_text(0, 5);
	m->request.at = row_time(0, 6);
	newest_keep(NEWEST_REQUEST, m->player_id, row_place(0, 7));
}

static bool
is_replay(message *m)
{
	arguments	args = {0};

	if (m->client_message_id == NULL)
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

static void
lock_open_request(message *m)
{
	arguments	args = {0};

	add_text(&args, m->player_id);
	plan_run(&lock_open, &args);
}

static void
add_preview(arguments *args, message *m)
{
	add_text(args, m->player_id);
	add_id(args, m->wanted_request);
	add_text(args, m->preview);
	if (m->sender == SENDER_PLAYER)
	{
		add_text(args, m->player_name);
		add_text(args, m->urgency);
	}
	else if (m->sender == SENDER_STAFF)
		add_text(args, m->sender_id);
}

static bool
try_write_again(message *m)
{
	arguments	args = {0};
	ItemPointer place = newest_find(NEWEST_REQUEST, m->player_id);

	if (place == NULL)
		return false;
	add_preview(&args, m);
	add_place(&args, place);
	return plan_run(&write_open_again[m->sender], &args) > 0;
}

/* Writes the message's preview into the open request; false if there is none for it. */
static bool
write_open_request(message *m)
{
	arguments	args = {0};

	add_preview(&args, m);
	if (!try_write_again(m) && plan_run(&write_open[m->sender], &args) == 0)
		return false;
	keep_request(m);
	return true;
}

/* No open request is one that this message may go to: says why, if it ends here. */
static void
refuse_unless_opening(message *m)
{
	arguments	args = {0};
	bool		open;
	int64		id;
	char	   *owner;

	if (m->sender == SENDER_PLAYER && m->wanted_request == 0)
		return;
	add_text(&args, m->player_id);
	open = plan_run(&find_open, &args) > 0;
	id = open ? row_int8(0, 1) : 0;
	owner = open ? row_text(0, 2) : NULL;

	if (m->wanted_request != 0 && m->wanted_request != id)
		ereport(ERROR,
				(errcode(ERRCODE_UC_CHANGED),
				 errmsg("request " INT64_FORMAT " is not the open request of player \"%s\"",
						m->wanted_request, m->player_id),
				 open ? errdetail("The open request is " INT64_FORMAT ".", id)
				 : errdetail("The player has no open request."),
				 errhint("Leave request_id out to write to the request that is open.")));
	if (!open)
		ereport(ERROR,
				(errcode(ERRCODE_UC_NOT_OPEN),
				 errmsg("player \"%s\" has no open request", m->player_id),
				 errdetail("Only a player's message opens a request."),
				 errhint("Wait for the player to write.")));
	if (owner != NULL)
		refuse_claimed(id, owner);
	/* it changed between the two statements: the caller tries again */
}

static bool
insert_request(message *m)
{
	arguments	args = {0};

	add_text(&args, m->player_id);
	add_text(&args, m->player_name);
	add_text(&args, m->urgency);
	add_text(&args, m->preview);
	if (plan_run(&open_request, &args) == 0)
		return false;
	keep_request(m);
	m->created = true;
	return true;
}

/* Locks the request that the message goes to, opening one if need be. */
static void
find_request(message *m)
{
	for (;;)
	{
		if (m->client_message_id != NULL)
		{
			lock_open_request(m);
			if (is_replay(m))
				return;
		}
		if (write_open_request(m))
			return;
		refuse_unless_opening(m);
		if (m->sender == SENDER_PLAYER && m->wanted_request == 0 && insert_request(m))
			return;
		CHECK_FOR_INTERRUPTS();
	}
}

static void
forget(message *m, int seqs)
{
	arguments	args = {0};

	add_int8(&args, m->request.id);
	plan_run(&forget_request, &args);
	player_return_seqs(m->player_id, seqs);
}

void
message_place(message *m)
{
	bool		blocked;
	int			seqs;

	find_request(m);
	if (m->result.is_replay)
		return;
	seqs = m->created || m->claimed ? 2 : 1;
	m->result.seq = player_take_seqs(m->player_id, seqs, &blocked);
	if (m->created && is_replay(m))
	{
		forget(m, seqs);
		return;
	}
	if (blocked && m->sender == SENDER_PLAYER)
		ereport(ERROR,
				(errcode(ERRCODE_UC_BLOCKED),
				 errmsg("player \"%s\" is blocked", m->player_id),
				 errhint("unichat_block ends it.")));
	if (m->created)
		pace_check(m->player_id, m->request.id);
	if (m->sender == SENDER_PLAYER)
		player_set_name(m->player_id, m->player_name);
	m->result.request_id = m->request.id;
	m->result.status = m->request.status;
	m->result.at = m->request.at;
	m->result.is_new_request = m->created;
}
