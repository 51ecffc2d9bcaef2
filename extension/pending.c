/*-------------------------------------------------------------------------
 *
 * pending.c
 *	  What a BEFORE ROW trigger has to tell the AFTER ROW trigger of the same
 *	  row.
 *
 * Events are stored in AFTER triggers, when the row is what it is going to be.
 * What they say was learned in the BEFORE trigger, with the locks taken.  In a
 * statement of many rows all BEFORE triggers come first:
 *
 *		BEFORE row 1, BEFORE row 2, ..., AFTER row 1, AFTER row 2, ...
 *
 * so this is a queue, and the row asked for is nearly always its head.
 *
 * Notes live between the two triggers of one statement.  A statement that
 * fails takes its (sub)transaction with it, and that drops its notes here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/memutils.h"

#include "pending.h"

typedef struct note
{
	dlist_node	link;
	Oid			relid;
	int64		id;
	SubTransactionId subid;
	int64		body[FLEXIBLE_ARRAY_MEMBER];	/* the caller's; aligned for any struct */
} note;

static dlist_head notes = DLIST_STATIC_INIT(notes);
static MemoryContext notes_context = NULL;
static bool last_was_taken = false; /* the context can be reset */

void *
pending_add(Oid relid, int64 id, Size size)
{
	note	   *n;

	if (last_was_taken && dlist_is_empty(&notes))
		MemoryContextReset(notes_context);
	last_was_taken = false;
	n = MemoryContextAllocZero(notes_context, offsetof(note, body) + size);
	n->relid = relid;
	n->id = id;
	n->subid = GetCurrentSubTransactionId();
	dlist_push_tail(&notes, &n->link);
	return n->body;
}

const char *
pending_text(const char *text)
{
	return text ? MemoryContextStrdup(notes_context, text) : NULL;
}

void *
pending_take(Oid relid, int64 id)
{
	dlist_iter	iter;

	dlist_foreach(iter, &notes)
	{
		note	   *n = dlist_container(note, link, iter.cur);

		if (n->relid == relid && n->id == id)
		{
			dlist_delete(&n->link);
			last_was_taken = true;
			return n->body;
		}
	}
	return NULL;
}

/*
 * Whatever a transaction left is of statements that failed, or of rows that
 * another BEFORE trigger suppressed after ours.
 */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	dlist_init(&notes);
	last_was_taken = true;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	dlist_mutable_iter iter;

	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	dlist_foreach_modify(iter, &notes)
	{
		if (dlist_container(note, link, iter.cur)->subid == mine)
			dlist_delete(iter.cur);
	}
}

void
pending_init(void)
{
	notes_context = AllocSetContextCreate(TopMemoryContext, "unichat pending", ALLOCSET_SMALL_SIZES);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}
