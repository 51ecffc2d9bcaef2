/* delivery.h - an event of the database to the channels of docs/events.md. */
#ifndef UNICHAT_DELIVERY_H
#define UNICHAT_DELIVERY_H

#include "db/event.h"
#include "db/snapshot.h"
#include "hub/hub.h"

/* The names of the Pusher event on the staff's and on the player's channel. */
typedef struct delivery_names {
    const char *staff;
    const char *player;
} delivery_names;

/* Finds the names for an event's kind and sender; false for a kind that is not known. Pure. */
bool delivery_names_of(const db_event *event, delivery_names *names);

/* The client's data, with `position` unless it is NULL. Pure. The caller frees. */
char *delivery_data_of(const db_event *event, const char *position)
    __attribute__((warn_unused_result));

/* Registers the metrics and guards the public names on this app. */
void delivery_start(hub_app *app);

/* Everything that the snapshot sees has been published: from now on this is the staff's position.
 */
void delivery_set_position(const char *epoch, const snapshot *s);

/* The position (delivery/position.h) and the database's epoch; NULL before the first one is known.
 */
const char *delivery_position(void);
const char *delivery_epoch(void);

/* Publishes to the four channels, where somebody listens. */
void delivery_publish(hub_app *app, const db_event *event);

#endif
