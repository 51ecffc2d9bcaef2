/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  Who runs as whom: the frame around every entry from SQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_GUARD_H
#define UNICHAT_GUARD_H

#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"

/* Entries whose frame a trigger may want to know that it runs within. */
typedef enum frame_kind
{
	FRAME_OTHER,
	FRAME_SEND,					/* unichat_send: its arg is a send_call */
	FRAME_MESSAGE,				/* trigger of chat_messages: a message */
	FRAME_STATUS,				/* unichat_status: a status_call */
	FRAME_RETENTION,			/* erase and prune, which may delete history */
	FRAME_CHAIN					/* an event gets the hash it waited for */
} frame_kind;

typedef void (*guarded) (void *arg);

/*
 * Runs body(arg) within SPI, as the owner, with names pinned to pg_catalog.
 * What body allocates is gone afterwards, except in guard_caller_context().
 */
extern void guard_function(FunctionCallInfo fcinfo, frame_kind kind, guarded body, void *arg);
extern void guard_trigger(TriggerData *trigger, frame_kind kind, guarded body, void *arg);

/* Inside a body: runs another, whose statements find themselves within a frame of that kind. */
extern void guard_inner(frame_kind kind, guarded body, void *arg);

/* Inside body: the memory context of whoever called the entry. */
extern MemoryContext guard_caller_context(void);

/*
 * The arg of the entry that we were called from by a statement of its own, if
 * it is of that kind, else NULL.  For a trigger, before or inside its guard_
 * call alike.
 */
extern void *guard_within(frame_kind kind);

/* Are we called from one of our own entries at all? */
extern bool guard_nested(void);

/* Inside body: the role that called this entry. */
extern Oid	guard_role(void);

/* fcinfo's trigger call on the given table of this extension, or an error. */
extern TriggerData *guard_check_trigger(FunctionCallInfo fcinfo, const char *table);

#endif							/* UNICHAT_GUARD_H */
