/* conn.h - a connection as the hub sees it; for the files of hub/ alone. */
#ifndef UNICHAT_HUB_CONN_H
#define UNICHAT_HUB_CONN_H

#include "base/wheel.h"
#include "hub/app.h"
#include "hub/channel.h"

#define SOCKET_ID_SIZE 24

#define CODE_IDENTITY_FULL 4100
#define IDENTITY_FULL                                                                              \
    "You have as many connections as you may; close one, and come back in a second or more"

/* A guarded subscription that waits for a sign-in. */
typedef struct held {
    struct held *next;
    char channel[];
} held;

struct hub_conn {
    hub_app *app;
    void *peer;
    const caller *who;
    const char *log_name;
    subscription *subs;
    unsigned n_subs;
    bool closing;    /* told the transport to close: deaf from now on */
    bool authorized; /* has signed in or joined a channel that needs it */
    held *held;
    unsigned n_held;
    wheel_timer held_timer;
    wheel_timer authorize_timer;
    user *user; /* signed in as */
    hub_conn *user_prev, *user_next;
    char *user_data; /* as it was signed */
    struct watch *watches;
    struct vouch *vouches; /* tokens that it lives by */
    tally_entry *identity; /* whom it counts for: the first that it has proven to be, or NULL */
    char socket_id[SOCKET_ID_SIZE];
};

/* The connection with this socket id, or NULL. */
hub_conn *conn_find(const hub *h, const char *socket_id);

/* Sends what the scratch buffer holds, and empties it. */
void conn_send_scratch(hub_conn *conn);

/* An error that does not close; code 0 is null. `on` is the channel that it is about, or NULL. */
void conn_error(hub_conn *conn, int code, const char *on, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* It has proven an identity: counts for it from now on, unless it has proven one before. False when
 * that has as many as it may; then it has been told. */
bool conn_count_for(hub_conn *conn, const char *identity) __attribute__((warn_unused_result));

/* The connection has proven itself to the app: the time to do so no longer runs. */
void conn_set_authorized(hub_conn *conn);

#endif
