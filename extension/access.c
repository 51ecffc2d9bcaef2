/*-------------------------------------------------------------------------
 *
 * access.c
 *	  Whom a session speaks for.
 *
 * An application and the bridge speak for everybody; their roles say so.  A
 * session whose role is a member of unichat_player, and of none of those that
 * speak for everybody, is a player's session: its user may run any SQL, and
 * still sees one player and speaks as one player.
 *
 * 1. Reading is held to that by the policies of 80-row-security.sql, which ask
 *	  unichat_player_id().  Writing runs as the owner, whom no policy binds, so
 *	  each entry that a player's session may call asks access_check().
 * 2. unichat.player_token is a signed statement that the session speaks for a
 *	  player until a time.  Whoever has the key makes one: unichat_player_token()
 *	  or the application itself.
 *
 *		KEY.ISSUED.EXPIRES.MAC.PLAYER
 *		KEY			id of a row of unichat_keys
 *		ISSUED		seconds since 1970, as EXPIRES
 *		MAC			HMAC-SHA256 of "ISSUED.EXPIRES.PLAYER" with the key, in hex
 *
 *	  A revocation of the player (unichat_revoke) covers the tokens issued up to
 *	  then, as it does at the bridges.
 *
 * 3. unichat.player_id says the same without a signature.  Anybody can set it,
 *	  so it counts only where the session was opened by a role that speaks for
 *	  everybody and has stepped down, as an application does in a pooled
 *	  connection: SET LOCAL ROLE unichat_player.
 *
 * What decides is the role that calls the entry, not that of an outer entry: a
 * trigger that the owner has put on our tables runs as the owner within
 * unichat_send(), and may answer as the system.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "catalog/pg_type.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "access.h"
#include "args.h"
#include "compat.h"
#include "guard.h"
#include "plans.h"
#include "words.h"

PG_FUNCTION_INFO_V1(unichat_player_id);
PG_FUNCTION_INFO_V1(unichat_player_token);

#define MAC_HEX (2 * PG_SHA256_DIGEST_LENGTH)

static char *setting_token = NULL;
static char *setting_id = NULL;

static plan find_key = {
	"SELECT secret FROM @.unichat_keys WHERE id = $1",
	1, {INT8OID}
};

static plan newest_key = {
	"SELECT secret, id FROM @.unichat_keys ORDER BY id DESC LIMIT 1",
	0, {0}
};

static plan find_revocation = {
	"SELECT 1 FROM @.chat_revocations WHERE subject_role = 'player' AND subject_id = $1"
	" AND revoked_at >= to_timestamp($2) AND (expires_at IS NULL OR expires_at > clock_timestamp())",
	2, {TEXTOID, INT8OID}
};

/* A token's parts. */
typedef struct token
{
	int64		key;
	int64		issued;
	int64		expires;
	char		mac[MAC_HEX + 1];
	const char *player_id;
} token;

void
access_init(void)
{
	DefineCustomStringVariable("unichat.player_token",
							   "Proves for which player this session speaks.",
							   "Made by unichat_player_token.",
							   &setting_token, "", PGC_USERSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomStringVariable("unichat.player_id",
							   "For which player this session speaks.",
							   "Counts only in sessions that were opened by a member of unichat_app.",
							   &setting_id, "", PGC_USERSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
}

/* Does role speak for everybody? */
static bool
speaks_for_all(Oid role)
{
	static const char *const roles[] = {"unichat_app", "unichat_bridge", "unichat_admin"};

	for (int i = 0; i < lengthof(roles); i++)
	{
		Oid			group = get_role_oid(roles[i], true);

		if (OidIsValid(group) && has_privs_of_role(role, group))
			return true;
	}
	return false;
}

static bool
is_players(Oid role)
{
	Oid			group = get_role_oid("unichat_player", true);

	return OidIsValid(group) && has_privs_of_role(role, group) && !speaks_for_all(role);
}

static void
refuse_identity(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_UC_NOBODY),
			 errmsg("this session speaks for no player"),
			 errdetail("%s", why),
			 errhint("Set unichat.player_token to what unichat_player_token returned.")));
}

/* The MAC of what a token says, with the key that the last statement has found. */
static void
make_mac(token *t)
{
	bytea	   *key = row_bytea(0, 1);
	char	   *said = psprintf(INT64_FORMAT "." INT64_FORMAT ".%s", t->issued, t->expires, t->player_id);
	uint8		mac[PG_SHA256_DIGEST_LENGTH];
	pg_hmac_ctx *ctx = pg_hmac_create(PG_SHA256);

	if (ctx == NULL ||
		pg_hmac_init(ctx, (uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)) < 0 ||
		pg_hmac_update(ctx, (uint8 *) said, strlen(said)) < 0 ||
		pg_hmac_final(ctx, mac, sizeof(mac)) < 0)
		elog(ERROR, "could not compute HMAC");
	pg_hmac_free(ctx);
	t->mac[hex_encode((char *) mac, sizeof(mac), t->mac)] = '\0';
}

/* Reads a number and the dot behind it; moves on. */
static bool
read_number(const char **from, int64 *number)
{
	char	   *end;

	errno = 0;
	*number = strtoll(*from, &end, 10);
	if (errno != 0 || end == *from || *end != '.' || **from < '0' || **from > '9')
		return false;
	*from = end + 1;
	return true;
}

static bool
read_token(token *t, const char *text)
{
	if (!read_number(&text, &t->key) || !read_number(&text, &t->issued) || !read_number(&text, &t->expires) ||
		strlen(text) <= MAC_HEX + 1 || text[MAC_HEX] != '.')
		return false;
	memcpy(t->mac, text, MAC_HEX);
	t->mac[MAC_HEX] = '\0';
	t->player_id = text + MAC_HEX + 1;
	return true;
}

static bool
is_revoked(const token *t)
{
	arguments	args = {0};

	add_text(&args, t->player_id);
	add_int8(&args, t->issued);
	return plan_read(&find_revocation, &args) > 0;
}

/*
 * The player that a token names; an error unless it is ours and of now.  Policies
 * ask in the middle of somebody's statement, so this only reads.
 */
static const char *
player_of_token(const char *text)
{
	token		given = {0};
	token		ours;
	arguments	args = {0};

	if (!read_token(&given, text))
		refuse_identity("unichat.player_token is no token.");
	add_int8(&args, given.key);
	if (plan_read(&find_key, &args) == 0)
		refuse_identity("The key of unichat.player_token is not known.");
	ours = given;
	make_mac(&ours);
	if (timingsafe_bcmp(given.mac, ours.mac, MAC_HEX) != 0)
		refuse_identity("The signature of unichat.player_token is wrong.");
	if (given.expires <= time(NULL))
		refuse_identity("unichat.player_token has expired.");
	if (is_revoked(&given))
		refuse_identity("unichat.player_token has been revoked.");
	return given.player_id;
}

/* The player that the session speaks for. */
static const char *
session_player(void)
{
	if (*setting_token != '\0')
		return player_of_token(setting_token);
	if (*setting_id == '\0')
		refuse_identity("Neither unichat.player_token nor unichat.player_id is set.");
	if (!speaks_for_all(GetSessionUserId()))
		refuse_identity("unichat.player_id counts only in a session that a member of unichat_app has opened.");
	return setting_id;
}

static bool
is(const char *value, const char *expected)
{
	return value != NULL && strcmp(value, expected) == 0;
}

bool
access_is_players(void)
{
	return is_players(guard_role());
}

void
access_check(const char *player_id, const char *sender, const char *actor)
{
	const char *player;

	if (!access_is_players())
		return;
	player = session_player();
	if (!is(player_id, player) || !is(sender, "player") || (actor != NULL && !is(actor, player)))
		ereport(ERROR,
				(errcode(ERRCODE_UC_NOT_YOURS),
				 errmsg("this session speaks for one player, as a player"),
				 errhint("Only members of unichat_app speak for others, for the staff or the system.")));
}

/* What either function works on and returns. */
typedef struct identity_call
{
	token		token;
	text	   *result;
} identity_call;

static text *
to_caller(const char *value)
{
	MemoryContext old = MemoryContextSwitchTo(guard_caller_context());
	text	   *result = cstring_to_text(value);

	MemoryContextSwitchTo(old);
	return result;
}

static void
identify(void *arg)
{
	identity_call *call = arg;

	call->result = to_caller(session_player());
}

/*
 * unichat_player_id(): the player that the session speaks for.
 */
Datum
unichat_player_id(PG_FUNCTION_ARGS)
{
	identity_call call = {0};

	guard_function(fcinfo, FRAME_OTHER, identify, &call);
	PG_RETURN_TEXT_P(call.result);
}

static void
sign(void *arg)
{
	identity_call *call = arg;
	token	   *t = &call->token;
	arguments	args = {0};

	if (plan_run(&newest_key, &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UC_NOBODY),
				 errmsg("there is no key to sign with"),
				 errhint("INSERT INTO unichat_keys DEFAULT VALUES.")));
	t->key = row_int8(0, 2);
	make_mac(t);
	call->result = to_caller(psprintf(INT64_FORMAT "." INT64_FORMAT "." INT64_FORMAT ".%s.%s",
									  t->key, t->issued, t->expires, t->mac, t->player_id));
}

/*
 * unichat_player_token(player_id, valid_for) returns text
 */
Datum
unichat_player_token(PG_FUNCTION_ARGS)
{
	identity_call call = {.token.player_id = arg_text(fcinfo, 0)};
	Datum		until;

	check_player_id(call.token.player_id);
	check_span("valid_for", PG_ARGISNULL(1) ? NULL : PG_GETARG_INTERVAL_P(1));
	until = DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(GetCurrentTimestamp()),
								PG_GETARG_DATUM(1));
	call.token.issued = time(NULL);
	call.token.expires = timestamptz_to_time_t(DatumGetTimestampTz(until));
	if (call.token.expires <= call.token.issued)
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg("valid_for must be a second or more"),
				 errdetail("A token expires at a whole second."),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "valid_for")));
	guard_function(fcinfo, FRAME_OTHER, sign, &call);
	PG_RETURN_TEXT_P(call.result);
}
