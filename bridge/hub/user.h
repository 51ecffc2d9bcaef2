/*
 * user.h - users who have signed in with pusher:signin, and who watches them; for the files of hub/
 * alone.
 *
 * A user is online from his first connection to his last. Connections that have him on their
 * watchlist are told of both.
 *
 *     hub_conn.watches --> watch --> watch ...      what a connection watches
 *                            |  (also in the list of its user)
 *                            v
 *                          user.watchers, user.conns
 */
#ifndef UNICHAT_HUB_USER_H
#define UNICHAT_HUB_USER_H

#include "base/hash_table.h"
#include "hub/conn.h"
#include "protocol/pusher_message.h"

typedef struct watch watch;

struct user {
    UT_hash_handle hh; /* in app.users */
    hub_app *app;
    hub_conn *conns;
    watch *watchers;
    char id[];
};

struct watch {
    user *user;
    hub_conn *conn;
    watch *prev, *next; /* of the user */
    watch *next_of_conn;
};

/* pusher:signin. A wrong one closes the connection with 4009. */
void user_signin(hub_conn *conn, const pusher_message *m);

/* The connection goes: it no longer watches, and its user may be offline now. */
void user_signout(hub_conn *conn);

#endif
