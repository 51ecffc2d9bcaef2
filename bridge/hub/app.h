/* app.h - the hub's own tables; for the files of hub/ alone. */
#ifndef UNICHAT_HUB_APP_H
#define UNICHAT_HUB_APP_H

#include "base/buf.h"
#include "base/limit.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/tally.h"
#include "base/wheel.h"
#include "hub/follow.h"
#include "hub/hub.h"
#include "hub/observer.h"
#include "hub/session.h"

typedef struct channel channel;
typedef struct user user;

/* Counters for /metrics. */
typedef struct hub_counts {
    metric *accepted, *frames_in, *frames_out, *published, *client_events, *refused, *errors;
} hub_counts;

struct hub {
    hub_app *apps;
    map conns; /* by socket id */
    wheel *wheel;
    hub_transport transport;
    hub_observe *observe;
    void *observe_arg;
    unsigned guard_wait_ms;
    unsigned activity_timeout;
    unsigned identity_max;
    tally *identities; /* their connections */
    limit *by_identity, *too_many_events;
    buf scratch; /* where frames are put together; empty between calls */
    hub_stats stats;
    hub_counts counts;
};

struct hub_app {
    hub *hub;
    hub_app *next;
    hub_app_options options; /* its strings are ours */
    hub_guard guard;
    hub_follower follower;
    map channels; /* by name */
    user *users;  /* by id: signed in, or watched by somebody who is */
    unsigned n_conns;
};

/* Whether the guard of the app calls this name guarded, or reserved. */
bool app_is_guarded(const hub_app *app, const char *channel);
bool app_is_reserved(const hub_app *app, const char *channel);

/* Tells the observer, if there is one. */
void app_tell(hub_app *app, const hub_happening *what);

#endif
