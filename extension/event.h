/*-------------------------------------------------------------------------
 *
 * event.h
 *	  Stores events.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_EVENT_H
#define UNICHAT_EVENT_H

#include "payload.h"

/*
 * The hash of an event that will be stored with all that it has now, palloc'd.
 * previous is that of the event before, NULL if it is not at hand.  NULL: it is
 * to be found when the event is stored, or there is none.
 */
extern bytea *event_hash(const chat_event *e, bytea *previous_or_null);

/*
 * Stores the event and sees to its announcement.  The caller has filled all of it but
 * xid, with a seq from player_take_seqs.
 */
extern void event_store(chat_event *e);

#endif							/* UNICHAT_EVENT_H */
