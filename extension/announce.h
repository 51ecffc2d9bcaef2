/*-------------------------------------------------------------------------
 *
 * announce.h
 *	  Tells the listeners of an event that this transaction has stored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_ANNOUNCE_H
#define UNICHAT_ANNOUNCE_H

#include "payload.h"

/* The event is delivered if and only if the transaction commits. */
extern void announce(const chat_event *e);

#endif							/* UNICHAT_ANNOUNCE_H */
