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

/*
 * Notifies in this transaction: the event is delivered if and only if the
 * transaction commits.  The whole object, or the reference if that is too long.
 */
extern void announce(const chat_event *e);

/* The same, of an object that fits. */
extern void announce_payload(const char *payload);

#endif							/* UNICHAT_ANNOUNCE_H */
