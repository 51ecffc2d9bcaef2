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

/* Frames whose statements a trigger may want to know that it is fired by. */
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
 * For a trigger, before its guard_ call: was it fired by a statement of one of
 * our own bodies?  What a trigger of others does is its own, even within ours.
 */
extern bool guard_own_statement(void);

/* The arg of that body's frame, if it is of that kind, else NULL. */
extern void *guard_within(frame_kind kind);

/* Inside body: the role that called this entry. */
extern Oid	guard_role(void);

/* Ways to be fired, to be or'ed; op is INSERT, UPDATE, DELETE or TRUNCATE. */
#define FIRED_AS(event) (UINT32_C(1) << (event))
#define BEFORE_ROW(op) FIRED_AS(TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_ROW | TRIGGER_EVENT_##op)
#define AFTER_ROW(op) FIRED_AS(TRIGGER_EVENT_AFTER | TRIGGER_EVENT_ROW | TRIGGER_EVENT_##op)
#define BEFORE_STATEMENT(op) FIRED_AS(TRIGGER_EVENT_BEFORE | TRIGGER_EVENT_##op)
#define AFTER_STATEMENT(op) FIRED_AS(TRIGGER_EVENT_AFTER | TRIGGER_EVENT_##op)

/* fcinfo's trigger call on that table of this extension (NULL: any), in one of these ways, or an error. */
extern TriggerData *guard_check_trigger(FunctionCallInfo fcinfo, const char *table, uint32 ways);

#endif							/* UNICHAT_GUARD_H */
