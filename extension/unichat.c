/*-------------------------------------------------------------------------
 *
 * unichat.c
 *	  The extension unichat: real-time support chat in PostgreSQL.
 *
 * Words: player (who asks), staff (who answers), request (one conversation),
 * message, event (something that happened, with its seq within the player).
 *
 * Modules, each using only those before it:
 *
 *		compat		differences between versions of PostgreSQL
 *		words		valid values, SQLSTATEs
 *		plans		SQL statements, planned once
 *		guard		who runs as whom
 *		access		whom a session speaks for
 *		row			the row that a trigger is called for
 *		direct		rows found and written without a statement
 *		pending		from a BEFORE trigger to the AFTER trigger of the row
 *		payload		the JSON of one event
 *		announce	tells the listeners
 *		delivery	who does that: the writer or the worker
 *		worker		the delivery worker
 *		chain		the hash chain over a player's events
 *		event		stores events
 *		player		a player's row: seqs
 *		request		the rules of a request's status
 *		pace		how many requests a player may open
 *		placing		finds a message's request and seq: the races
 *		message		the triggers of chat_messages
 *		send		unichat_send
 *		retention	append-only, erase, prune
 *		block		players who may not write
 *		verify		unichat_verify
 *
 * The SQL side is in extension/sql, in the order of the files' names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "access.h"
#include "chain.h"
#include "compat.h"
#include "delivery.h"
#include "pace.h"
#include "pending.h"
#include "plans.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(unichat_epoch);

void		_PG_init(void);

void
_PG_init(void)
{
	plans_init();
	pending_init();
	delivery_init();
	chain_init();
	pace_init();
	access_init();
	MarkGUCPrefixReserved("unichat");
}

/*
 * unichat_epoch(): "system identifier-timeline".  Xids and seqs that were
 * handed out under another one, before a restore or by another cluster, mean
 * nothing here.
 */
Datum
unichat_epoch(PG_FUNCTION_ARGS)
{
	TimeLineID	timeline;

	if (RecoveryInProgress())
		(void) GetXLogReplayRecPtr(&timeline);
	else
		timeline = GetWALInsertionTimeLine();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT "-%u", GetSystemIdentifier(), timeline)));
}
