/*-------------------------------------------------------------------------
 *
 * player.c
 *	  A player's row: the lock that orders the player's events.
 *
 * An event's seq is last_seq + 1 of the player's row, and the update that takes
 * it keeps the row locked until commit.  So seqs of a player become visible in
 * their order, without a gap, and "everything after seq N" can never skip a
 * late committer:
 *
 *		T1: takes 5
 *									T2: wants the next, waits for T1
 *		T1: commits					T2: takes 6	 (or 5, if T1 aborted)
 *
 * The row may have the hash of the newest event, last_hash, which the next one
 * needs (chain.c).  Who takes a seq without knowing the hash of its event sets it
 * to NULL, and the next one looks at the event.
 *
 * Who needs a request's row too locks that one first (architecture.md): a
 * plain UPDATE of a request has it locked before any trigger can run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "access.h"
#include "args.h"
#include "direct.h"
#include "event.h"
#include "guard.h"
#include "newest.h"
#include "plans.h"
#include "player.h"
#include "row.h"
#include "tables.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_read);

static direct_statement change = {
	{"UPDATE @.chat_players SET player_name = $3, last_seq = $4, last_hash = $5 WHERE ctid = $1 AND last_seq = $2"
		" RETURNING ctid", 5,
	{TIDOID, INT8OID, TEXTOID, INT8OID, BYTEAOID}},
	Anum_players_last_seq,
	{Anum_players_player_name, Anum_players_last_seq, Anum_players_last_hash}
};

static plan create = {
	"INSERT INTO @.chat_players (player_id) VALUES ($1) ON CONFLICT (player_id) DO NOTHING",
	1, {TEXTOID}
};

static plan mark_read = {
	"UPDATE @.chat_players AS p"
	" SET player_read_seq = CASE $2 WHEN 'player' THEN greatest(player_read_seq, least($3, last_seq))"
	" ELSE player_read_seq END,"
	" staff_read_seq = CASE $2 WHEN 'staff' THEN greatest(staff_read_seq, least($3, last_seq))"
	" ELSE staff_read_seq END"
	" WHERE player_id = $1 RETURNING p",
	3, {TEXTOID, TEXTOID, INT8OID}
};

static bool
find(direct *players, const char *player_id)
{
	ScanKeyData key;

	direct_text_key(&key, Anum_players_player_id, player_id);
	return direct_find(players, "chat_players_pkey", newest_find(NEWEST_PLAYER, player_id), &key, 1);
}

/* Numbers to be taken, or (n < 0) given back. */
typedef struct taking
{
	const char *player_id;
	int			n;
	const char *name;			/* or NULL */
	player_hasher hasher;		/* or NULL */
	void	   *arg;
	row			row;
} taking;

static void
change_row(taking *t)
{
	row		   *r = &t->row;
	int64		seq = get_int8(r, Anum_players_last_seq) + t->n;
	bytea	   *previous = is_null(r, Anum_players_last_hash) ? NULL
		: DatumGetByteaPP(r->values[Anum_players_last_hash - 1]);

	set_int8(r, Anum_players_last_seq, seq);
	set_bytea(r, Anum_players_last_hash, t->hasher ? t->hasher(t->arg, seq, previous) : NULL);
	if (t->name != NULL)
		set_text(r, Anum_players_player_name, t->name);
}

/* What others' triggers have made of the row: whatever they like, but for the seq. */
static void
read_taken(direct *players, taking *t)
{
	int64		seq = get_int8(&t->row, Anum_players_last_seq);

	row_read(&t->row, players->tuple, RelationGetDescr(players->rel));
	if (get_int8(&t->row, Anum_players_last_seq) != seq)
		direct_refuse(players, "It has changed last_seq.");
}

/* Changes the player's row; false if there is none. */
static bool
try_take(direct *players, taking *t)
{
	while (find(players, t->player_id))
	{
		row_read(&t->row, players->tuple, RelationGetDescr(players->rel));
		change_row(t);
		if (direct_update(players, &t->row, &change))
		{
			if (!players->ours_alone)
				read_taken(players, t);
			return true;
		}
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

/* A row that is there after this, ours or another's: players are not deleted. */
static void
create_row(const char *player_id)
{
	arguments	args = {0};

	add_text(&args, player_id);
	plan_run(&create, &args);
}

static int64
take(taking *t, player *locked)
{
	direct		players;

	direct_open(&players, "chat_players");
	if (!try_take(&players, t))
	{
		create_row(t->player_id);
		if (!try_take(&players, t))
			direct_refuse(&players, "It has suppressed, changed or deleted the row of a new player.");
	}
	newest_keep(NEWEST_PLAYER, t->player_id, &players.tuple->t_self);
	direct_close(&players);
	if (locked != NULL)
	{
		locked->name = get_text(&t->row, Anum_players_player_name);
		locked->blocked = get_bool(&t->row, Anum_players_blocked);
	}
	return get_int8(&t->row, Anum_players_last_seq);
}

int64
player_take_seqs(const char *player_id, int n, const char *name, player *locked)
{
	taking		t = {.player_id = player_id, .n = n, .name = name};

	return take(&t, locked);
}

int64
player_take_seq(const char *player_id, const char *name, player *locked, player_hasher hasher, void *arg)
{
	taking		t = {.player_id = player_id, .n = 1, .name = name, .hasher = hasher, .arg = arg};

	return take(&t, locked);
}

const char *
player_name(const char *player_id)
{
	direct		players;
	row			r;
	const char *name = NULL;

	direct_open(&players, "chat_players");
	if (find(&players, player_id))
	{
		row_read(&r, players.tuple, RelationGetDescr(players.rel));
		name = get_text(&r, Anum_players_player_name);
	}
	direct_close(&players);
	return name;
}

void
player_return_seqs(const char *player_id, int n)
{
	(void) player_take_seqs(player_id, -n, NULL, NULL);
}

void
player_leave_event(const char *kind, const char *player_id, const char *actor, const char *detail)
{
	chat_event	e = {.kind = kind, .player_id = player_id, .actor = actor, .detail = detail};

	e.seq = player_take_seqs(player_id, 1, NULL, NULL);
	e.at = GetCurrentTimestamp();
	event_store(&e);
}

void
refuse_unknown_player(const char *player_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UC_NO_REQUEST),
			 errmsg("player \"%s\" not found", player_id),
			 errdetail("This player has never written.")));
}

typedef struct read_call
{
	const char *player_id;
	const char *reader;
	int64		seq;
	Datum		row;
} read_call;

static void
do_read(void *arg)
{
	read_call  *call = arg;
	arguments	args = {0};

	access_check(call->player_id, call->reader, NULL);
	add_text(&args, call->player_id);
	add_text(&args, call->reader);
	add_int8(&args, call->seq);
	if (plan_run(&mark_read, &args) == 0)
		refuse_unknown_player(call->player_id);
	call->row = row_composite(0, 1, guard_caller_context());
}

/*
 * unichat_read(player_id, reader, seq) returns chat_players
 */
Datum
unichat_read(PG_FUNCTION_ARGS)
{
	read_call	call = {.player_id = arg_text(fcinfo, 0), .reader = arg_text(fcinfo, 1), .seq = arg_int8(fcinfo, 2)};

	check_player_id(call.player_id);
	if (call.reader == NULL || (strcmp(call.reader, "player") != 0 && strcmp(call.reader, "staff") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg("invalid reader"),
				 errhint("Use player or staff."),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "reader")));
	check_given("seq", PG_ARGISNULL(2));
	guard_function(fcinfo, FRAME_OTHER, do_read, &call);
	PG_RETURN_DATUM(call.row);
}
