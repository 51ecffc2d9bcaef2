/*
 * channel.h - channels, who is subscribed to them, and their cached event; for the files of hub/
 * alone.
 *
 *     hub_conn.subs --> subscription <--> subscription ...       a list per connection
 *                            |  ^
 *                            v  | [index]
 *                         channel.subs[]                         an array per channel, in no order
 *
 * A subscription knows its place in the array: to leave is to move the last one there. To publish
 * is to walk the array. A channel without subscribers and without a cached event is freed.
 */
#ifndef UNICHAT_HUB_CHANNEL_H
#define UNICHAT_HUB_CHANNEL_H

#include "base/wheel.h"
#include "hub/app.h"
#include "protocol/channel_name.h"

typedef struct subscription subscription;
typedef struct member member;

struct subscription {
    subscription *prev, *next; /* of the connection */
    hub_conn *conn;
    void *peer; /* the connection's; NULL once it is closing */
    channel *channel;
    member *member; /* presence channels */
    unsigned index; /* in channel.subs */
    bool held;      /* its events go to the follower (follow.h) */
};

/* What a cache channel keeps. */
typedef struct channel_cache {
    channel *channel;
    frame *frame; /* the last event, or NULL */
    char *data;
    wheel_timer expiry;
    bool missed; /* a miss has been told of since it was last filled */
} channel_cache;

/* Most have one subscriber, and there are as many as players: so no block for a single one, and
 * what an event needs stands beside the name. */
struct channel {
    member *members;      /* presence channels: by user id */
    channel_cache *cache; /* cache channels */
    wheel_timer count_timer;
    hub_app *app;
    channel_type type;
    bool reserved;       /* nobody outside hears of it */
    subscription **subs; /* `only`, or a block of its own */
    subscription *only[1];
    unsigned n_subs, cap_subs;
    char name[];
};

channel *channel_find(const hub_app *app, const char *name);

/* Finds or makes it. Who makes one without filling it calls channel_release(). */
channel *channel_get(hub_app *app, const char *name);

/* Frees the channel if nothing keeps it. */
void channel_release(channel *c);

/* Frees it whatever it holds. No subscriptions may be left. */
void channel_free(channel *c);

subscription *channel_subscription(const channel *c, const hub_conn *conn);
subscription *channel_add(channel *c, hub_conn *conn);

/* Takes the subscription out and frees it; the channel stays, even empty. */
void channel_remove(subscription *sub);

/* Sends a frame to all subscribers but one (NULL: to all). Returns how many. */
size_t channel_send(channel *c, frame *f, const hub_conn *except);

/* Makes a frame of the hub's scratch buffer, which is emptied, and sends it. */
size_t channel_send_scratch(channel *c, const hub_conn *except);

/* Keeps an event for those who come later. */
void channel_cache_set(channel *c, frame *f, const char *data, size_t len);

/* Sends the cached event, or pusher:cache_miss, to one who has just come. */
void channel_cache_send(channel *c, hub_conn *conn);

/* The subscribers have become more or fewer: says so, where the app wants it. */
void channel_count_changed(channel *c);

#endif
