/*
 * session.h - what a transport does with the hub: connections come, speak and go.
 *
 *     hub_connect() -> hub_receive()... -> hub_disconnect()
 *
 * The hub answers through the transport, which only queues; it never calls back into the hub from
 * there. A connection that the hub wants closed is told so by close(); it is deaf from then on, and
 * stays a member until the transport, in the same turn, calls hub_disconnect(). So nothing is ever
 * freed under a loop that is using it.
 */
#ifndef UNICHAT_HUB_SESSION_H
#define UNICHAT_HUB_SESSION_H

#include "base/wheel.h"
#include "hub/frame.h"
#include "hub/hub.h"

typedef struct hub_transport {
    void (*send)(void *peer, frame *f);                      /* takes a reference if it keeps it */
    void (*close)(void *peer, int code, const char *reason); /* after what is queued */
    size_t (*backlog)(const void *peer);                     /* bytes that wait to be written */
} hub_transport;

/* Before the first connection. */
void hub_set_transport(hub *h, const hub_transport *transport);

/* The timers of everything; the owner of the loop calls wheel_advance(). */
wheel *hub_wheel(hub *h);

/* How long a guarded subscription waits for a sign-in, and the activity_timeout that clients are
 * told. */
void hub_set_timing(hub *h, unsigned guard_wait_ms, unsigned activity_timeout);

/* How many connections one identity may have: the caller of the handshake or, where it brought
 * none, the user of pusher:signin. 0: no limit. */
void hub_set_identity_max(hub *h, unsigned max);

/*
 * A connection to an app; greets it. `who` is what its handshake proved (NULL: nothing), `log_name`
 * its identity in logs; both live until hub_disconnect(). NULL if the app is full, or the identity
 * has as many as it may; *code and *why are then what to close with.
 */
hub_conn *hub_connect(hub_app *app, void *peer, const caller *who, const char *log_name, int *code,
                      const char **why) __attribute__((warn_unused_result));

/* One text message, whole. It need not be valid in any way. */
void hub_receive(hub_conn *conn, const char *text, size_t len);

/* Whom its limits count for: the identity that it has proven first, by the token of its handshake,
 * by a vouch or by a sign-in, "player:ada"; a connection that has proven none is one of its own. */
const char *hub_conn_identity(const hub_conn *conn);

/* Ends every membership, tells those who stay, and frees the connection. */
void hub_disconnect(hub_conn *conn);

/* Sends an error and closes with its code. */
void hub_conn_fail(hub_conn *conn, int code, const char *message);

/* Sends a pusher:ping, for clients that do not answer WebSocket pings. */
void hub_conn_ping(hub_conn *conn);

/* Closes every connection that has signed in as this user. Returns how many. */
unsigned hub_terminate_user(hub_app *app, const char *user_id);

#endif
