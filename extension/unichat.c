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
 *		names		our tables, indexes and sequences, by name
 *		guard		who runs as whom
 *		access		whom a session speaks for
 *		row			the row that a trigger is called for
 *		shape		is a table as CREATE EXTENSION made it?
 *		direct		rows found and written without a statement
 *		pending		from a BEFORE trigger to the AFTER trigger of the row
 *		payload		the JSON of one event
 *		notify		the channels, whose names are a secret
 *		announce	tells the listeners
 *		slot		what the worker and its writers share
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

#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "access.h"
#include "chain.h"
#include "compat.h"
#include "delivery.h"
#include "names.h"
#include "notify.h"
#include "pace.h"
#include "pending.h"
#include "plans.h"
#include "shape.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(unichat_epoch);

void		_PG_init(void);

void
_PG_init(void)
{
	plans_init();
	names_init();
	shape_init();
	pending_init();
	notify_init();
	delivery_init();
	chain_init();
	pace_init();
	access_init();
	MarkGUCPrefixReserved("unichat");
}

/*
 * unichat_epoch(): "system identifier-timeline-database-extension", the last
 * two by oid.  Xids and seqs that were handed out under another one mean
 * nothing here: by another cluster, before a promotion, before the database
 * was dropped and restored, or the extension dropped and created.  A standby
 * has the same until it is promoted.
 */
Datum
unichat_epoch(PG_FUNCTION_ARGS)
{
	TimeLineID	timeline;

	if (RecoveryInProgress())
		(void) GetXLogReplayRecPtr(&timeline);
	else
		timeline = GetWALInsertionTimeLine();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT "-%u-%u-%u", GetSystemIdentifier(), timeline,
											  MyDatabaseId, get_extension_oid("unichat", false))));
}
