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
 * transaction commits.  The whole object, or the reference (announce_whole).
 */
extern void announce(const chat_event *e);

/* May an object of that size be sent as it is, and not the reference to it? */
extern bool announce_whole(size_t payload_bytes);

/* The same as announce(), of what is to be sent. */
extern void announce_payload(const char *payload);

#endif							/* UNICHAT_ANNOUNCE_H */
