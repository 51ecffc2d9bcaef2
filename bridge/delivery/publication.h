/* publication.h - events that SQL publishes with unichat_publish(), put together from their
 * notifications. */
#ifndef UNICHAT_DELIVERY_PUBLICATION_H
#define UNICHAT_DELIVERY_PUBLICATION_H

#include "base/buf.h"
#include "hub/hub.h"

/* What has come of a message so far. Zeroed it is empty. */
typedef struct publication {
    char id[40];
    unsigned next, parts;
    buf text;
} publication;

/*
 * Takes the payload of one notification, `ID PART OF TEXT`, and publishes the message when it is
 * whole. Parts of one message come together and in order; whatever else comes drops the message
 * that was begun, with a line in the log.
 */
void publication_take(publication *p, hub_app *app, const char *payload);

void publication_clear(publication *p);

#endif
