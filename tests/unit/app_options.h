/* app_options.h - an app for tests of the hub: what Pusher allows, and nothing switched on. What a
 * bridge has comes from settings.def. */
#ifndef UNICHAT_TESTS_APP_OPTIONS_H
#define UNICHAT_TESTS_APP_OPTIONS_H

#include "hub/hub.h"

static inline hub_app_options app_options(void)
{
    return (hub_app_options){
        .id = "k",
        .key = "k",
        .secret = "k",
        .authorization_ms = 30000,
        .max_channel_name = 200,
        .max_event_name = 200,
        .max_event_bytes = 10240,
        .max_client_events_per_sec = 10,
        .max_presence_members = 100,
        .max_presence_user_bytes = 1024,
        .max_watchlist = 100,
        .max_publish_channels = 100,
        .max_batch = 10,
        .cache_ms = 1800000,
    };
}

#endif
