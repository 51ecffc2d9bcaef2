/*
 * ws_client.h - many WebSocket connections in one process, each subscribed to a channel; for the
 * benches.
 *
 * Written for load, not for use: it speaks the Pusher protocol as a client does (handshake,
 * connection_established, subscribe, subscription_succeeded) and then only counts. Anything else
 * that a server says is the end of the bench.
 */
#ifndef BENCH_WS_CLIENT_H
#define BENCH_WS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

typedef struct ws_client ws_client;

/* Every event that is not the protocol's own: connection's number, its text (not NUL-terminated).
 */
typedef void ws_on_event(void *arg, size_t conn, const char *text, size_t len);

typedef struct ws_options {
    int port;            /* on 127.0.0.1 */
    const char *key;     /* the app's */
    const char *token;   /* sent as Authorization: Bearer; NULL: none */
    const char *channel; /* a final '#' stands for the connection's number */
    size_t connections;
    size_t opening; /* how many may be on their way at once */
    ws_on_event *on_event;
    void *arg;
} ws_options;

/* Connects and subscribes all; returns when the last one is subscribed. Options and strings must
 * outlive it. */
ws_client *ws_client_open(const ws_options *options);

/* Becomes readable when there is something for ws_client_poll(). */
int ws_client_fd(const ws_client *client);

/* Reads what has come, waiting up to timeout_ms (-1: for ever) for something to come. */
void ws_client_poll(ws_client *client, int timeout_ms);

/* Resets all connections (so that no port is left in TIME_WAIT) and frees. */
void ws_client_close(ws_client *client);

#endif
