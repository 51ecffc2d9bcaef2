/* query.h - what the HTTP API asks about channels. */
#ifndef UNICHAT_HUB_QUERY_H
#define UNICHAT_HUB_QUERY_H

#include "hub/hub.h"

typedef struct hub_channel_info {
    const char *name;
    unsigned subscription_count;
    unsigned user_count;    /* presence channels */
    const char *cache_data; /* cache channels, NULL without an event; not NUL-terminated where it
                               has NULs */
    unsigned cache_ttl;     /* seconds left */
} hub_channel_info;

/* False if nobody listens and nothing is cached; the info is then zeroed but for the name. Pointers
 * live until the next turn. */
bool hub_channel_get_info(const hub_app *app, const char *name, hub_channel_info *info);

/* Calls each(arg, info) for every occupied channel that is not reserved and not a user's own. */
void hub_list_channels(const hub_app *app, void (*each)(void *arg, const hub_channel_info *info),
                       void *arg);

/* Calls each(arg, user_id) for every member of a presence channel. */
void hub_list_members(const hub_app *app, const char *name,
                      void (*each)(void *arg, const char *user_id), void *arg);

/* Whether the app's guard calls this name reserved: the HTTP API must not touch it. */
bool hub_is_reserved(const hub_app *app, const char *name);

#endif
