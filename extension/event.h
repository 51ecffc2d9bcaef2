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
 * Stores the event and sees to its announcement.  The caller has filled all of it but
 * xid, with a seq from player_take_seqs.
 */
extern void event_store(chat_event *e);

#endif							/* UNICHAT_EVENT_H */
