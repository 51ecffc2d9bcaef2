/*
 * hub.h - apps, channels and who listens to them; nothing here knows a socket, HTTP or SQL.
 *
 *   hub_app    one Pusher application: id, key, secret, limits. Names of channels are its own.
 *   hub_conn   one connection, from the handshake to the Close frame (see session.h)
 *   channel    exists while somebody listens, or while a cache channel keeps its last event
 *   frame      one encoded WebSocket message, shared by all who get it (see frame.h)
 *
 * One thread. Publishing only queues: the sockets are written at the end of the loop turn, so that
 * many events in one turn make one write per socket. No call of this header runs a callback that
 * can close a connection.
 */
#ifndef UNICHAT_HUB_H
#define UNICHAT_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hub hub;
typedef struct hub_app hub_app;
typedef struct hub_conn hub_conn;
typedef struct caller caller; /* identity/caller.h */

/* What an app may and how much. Strings are copied by hub_app_add(). */
typedef struct hub_app_options {
    const char *id;
    const char *key;
    const char *secret;
    const char *allowed_origins; /* space separated, NULL or "*": every origin may connect */
    const char *webhook_url;     /* NULL: no webhooks */
    bool client_events;
    bool subscription_count;
    bool watchlist;
    bool require_authorization; /* close what has not signed in or joined within
                                           authorization_ms */
    unsigned authorization_ms;
    unsigned max_connections;           /* 0: no limit of its own */
    unsigned max_channels_per_conn;     /* 0: no limit */
    unsigned max_channel_name;          /* bytes */
    unsigned max_event_name;            /* bytes */
    unsigned max_event_bytes;           /* data of one event, and of one client event */
    unsigned max_client_events_per_sec; /* per identity */
    unsigned max_presence_members;      /* users in one presence channel */
    unsigned max_presence_user_bytes;   /* one member's user_info */
    unsigned max_watchlist;
    unsigned max_publish_channels; /* channels in one HTTP publish */
    unsigned max_batch;            /* events in one HTTP batch */
    uint64_t cache_ms;             /* that a cache channel keeps its event; 0: it does not */
} hub_app_options;

/*
 * Who may listen to guarded names, and which names are reserved. A guarded name is public by its
 * form, but needs a proven identity. To a reserved name nobody but this process publishes, and
 * neither the HTTP API nor webhooks show it; guarded names are reserved, and their private forms.
 * may_listen answers HUB_WAIT while a sign-in may still bring the proof: the subscription is held
 * for a moment, and asked again when the sign-in is there. On HUB_DENY *why is a constant text for
 * the client. identity writes whom a signed user_data means, as caller_key() does; false where it
 * means nobody but the app's own user.
 */
typedef enum hub_verdict { HUB_ALLOW, HUB_DENY, HUB_WAIT } hub_verdict;

typedef struct hub_guard {
    bool (*is_guarded)(void *arg, const char *channel);
    bool (*is_reserved)(void *arg, const char *channel);
    hub_verdict (*may_listen)(void *arg, const hub_conn *conn, const char *channel,
                              const char **why);
    bool (*identity)(void *arg, const char *user_data, char *out, size_t size);
    void *arg;
} hub_guard;

hub *hub_new(void);

/* All connections must be gone. */
void hub_free(hub *h);

/* Adds an app, copying the options. NULL if the id or the key is taken. It lives as long as the
 * hub. */
hub_app *hub_app_add(hub *h, const hub_app_options *options) __attribute__((warn_unused_result));
void hub_app_set_guard(hub_app *app, const hub_guard *guard);
hub_app *hub_app_by_id(hub *h, const char *id);
hub_app *hub_app_by_key(hub *h, const char *key);
const hub_app_options *hub_app_get_options(const hub_app *app);

/*
 * Sends an event to everybody who listens to the channel, except to the connection with that socket
 * id (NULL: none). data goes out verbatim as a JSON string (the protocol's double encoding) and
 * need not end in NUL; it must be UTF-8. The event and the channel name are not checked here. A
 * cache channel keeps the event. Returns how many connections get it.
 */
size_t hub_publish(hub_app *app, const char *channel, const char *event, const char *data,
                   size_t len, const char *except_socket_id);

/* Whether anybody listens. For who has to encode what hub_publish_event() sends. */
bool hub_has_subscribers(const hub_app *app, const char *channel);

/* For the guard: who this connection has proven to be. */
const caller *hub_conn_caller(const hub_conn *conn); /* by the token of the handshake, or NULL */
const char *hub_conn_user_id(const hub_conn *conn);  /* by pusher:signin, or NULL */
const char *
hub_conn_user_data(const hub_conn *conn); /* the signed JSON text of pusher:signin, or NULL */
const char *hub_conn_socket_id(const hub_conn *conn);

/* Live numbers, read from the tables themselves. What has happened since the start is counted in
 * base/metrics.h. */
typedef struct hub_stats {
    uint64_t connections, channels, subscriptions, users;
} hub_stats;

void hub_get_stats(const hub *h, hub_stats *out);

#endif
