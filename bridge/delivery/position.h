/* position.h - the staff's place in the stream of all events, as clients keep it. Pure.
 *
 * To a client it is opaque text. It is base64url of "1 EPOCH SNAPSHOT": which database, and a
 * snapshot of it all of whose events have been sent. The difference from it (unichat_events_since)
 * may repeat what a client has, and never leaves anything out.
 */
#ifndef UNICHAT_DELIVERY_POSITION_H
#define UNICHAT_DELIVERY_POSITION_H

#include "db/snapshot.h"

#include <stdbool.h>

/* The caller frees. A snapshot with very many running transactions is shortened to an older one. */
char *position_encode(const char *epoch, const snapshot *s) __attribute__((warn_unused_result));

typedef struct position {
    char *epoch;
    snapshot *snapshot;
} position;

/* False when it is not a position, and then there is nothing to clear. */
bool position_decode(const char *text, position *p) __attribute__((warn_unused_result));
void position_clear(position *p);

#endif
