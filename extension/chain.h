/*-------------------------------------------------------------------------
 *
 * chain.h
 *	  The hash chain over a player's events.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_CHAIN_H
#define UNICHAT_CHAIN_H

#include "postgres.h"

#include "catalog/pg_type.h"

#include "plans.h"

/* What is covered, in order.  All columns of a message, in the table's order. */
#define CHAIN_EVENT_COLUMNS "e.player_id, e.seq, e.request_id, e.kind, e.message_id, e.from_status, e.to_status," \
	" e.urgency, e.assigned_to, e.actor, e.detail, e.at, e.message_digest"
#define CHAIN_EVENT_TYPES TEXTOID, INT8OID, INT8OID, TEXTOID, INT8OID, TEXTOID, TEXTOID, \
	TEXTOID, TEXTOID, TEXTOID, JSONBOID, TIMESTAMPTZOID, BYTEAOID
#define CHAIN_EVENT_NATTS 13
#define CHAIN_MESSAGE_COLUMNS "m.id, m.request_id, m.player_id, m.seq, m.sender, m.sender_id, m.message_text," \
	" m.timestamp, m.client_message_id, m.salt"
#define CHAIN_MESSAGE_NATTS 10

/* unichat.chain: is what is written now to be hashed? */
extern bool chain_is_on(void);

/* Random, for a message's row; palloc'd.  NULL if the chain is off. */
extern bytea *chain_salt(void);

/*
 * The SHA-256 of a message's columns, and that of an event's and of the hash
 * of the event before (NULL: the chain begins here); palloc'd.
 */
extern bytea *chain_message_digest(const arguments *columns);
extern bytea *chain_event_hash(const bytea *previous_or_null, const arguments *columns);

/* Two hashes, both known and the same? */
extern bool chain_same(const bytea *a_or_null, const bytea *b_or_null);

extern void chain_init(void);

#endif							/* UNICHAT_CHAIN_H */
