/* observer.h - what happens in an app and an app server may want to know: the source of webhooks.
 */
#ifndef UNICHAT_HUB_OBSERVER_H
#define UNICHAT_HUB_OBSERVER_H

#include "hub/hub.h"

typedef enum hub_happening_kind {
    HUB_CHANNEL_OCCUPIED,
    HUB_CHANNEL_VACATED,
    HUB_MEMBER_ADDED,
    HUB_MEMBER_REMOVED,
    HUB_CLIENT_EVENT,
    HUB_CACHE_MISS,
    HUB_SUBSCRIPTION_COUNT,
} hub_happening_kind;

/* What the kind does not have is NULL. All of it lives during the call only. */
typedef struct hub_happening {
    hub_happening_kind kind;
    const char *channel;
    const char *user_id; /* members; the sender of a client event on a presence channel */
    const char *event;   /* client event */
    const char *data;    /* client event: JSON as it was sent */
    size_t data_len;
    const char *socket_id; /* client event */
    unsigned count;        /* subscription count */
} hub_happening;

/* Called in the middle of the hub's work: it may queue, and must not call the hub. Guarded channels
 * are not told of. */
typedef void hub_observe(void *arg, hub_app *app, const hub_happening *what);

void hub_set_observer(hub *h, hub_observe *observe, void *arg);

#endif
