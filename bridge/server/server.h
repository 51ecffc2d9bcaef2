/*
 * server.h - the listening side: WebSocket connections (/app/KEY) and HTTP requests on one port,
 * with or without TLS.
 *
 * libwebsockets runs on the caller's libuv loop as a guest ("foreign loop"); nothing here blocks
 * and there is no thread.
 *
 *     server_new() -> http_route()... -> server_listen() -> [running]
 *         -> server_drain() -> (done) -> server_stop() -> (done) -> server_free()
 */
#ifndef UNICHAT_SERVER_H
#define UNICHAT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "hub/hub.h"

typedef struct server server;

typedef struct server_options {
    uv_loop_t *loop;
    hub *hub;
    const char *path_prefix; /* before /app/KEY and /apps/ID, "" for none */
    const char
        *allowed_origins; /* of the HTTP API (CORS), space separated; NULL: the server's own only */
    size_t max_body;      /* bytes of a request body, else 413 */
    size_t max_bodies;    /* bytes of all of them at once; then the oldest unfinished one goes */
    size_t max_frame;     /* bytes of one WebSocket message of a client, else close 1009 */
    size_t max_queue;     /* bytes waiting for one connection, then it is closed to reconnect */
    unsigned max_queue_ms;     /* and how long they may wait without any of them going */
    unsigned activity_timeout; /* seconds of silence after which a connection is pinged */
    unsigned pong_ms;          /* that it has to answer, else close 4201 */
    unsigned guard_wait_ms;    /* how long a guarded subscription waits for a sign-in */
    unsigned drain_ms;    /* over which server_drain() spreads the closing of the connections */
    unsigned max_sockets; /* of any kind; 0: as many as there may be open files, less own_files */
    unsigned own_files;   /* descriptors for all but clients */
    unsigned max_address_sockets;   /* of one address; 0: no limit */
    unsigned max_identity_sockets;  /* WebSockets of one identity; 0: no limit */
    unsigned max_identity_messages; /* a second on its WebSockets; 0: no limit */
    unsigned request_ms;            /* for TLS and headers, and then for a body */
    unsigned keepalive_ms;          /* until the next request */
    bool trust_forwarded;           /* take X-Forwarded-For and -Proto from a proxy */
    /*
     * Who a token (cookie unichat_token or Authorization: Bearer, at the handshake) proves; NULL
     * for a bad or expired one: then the connection has proven nothing, or, with *too_many of them
     * from this peer, is closed (4100). *expires_at is the Unix time at which the connection is
     * closed (4009). The caller is freed with release.
     */
    caller *(*identify)(void *arg, const char *peer, const char *token, int64_t *expires_at,
                        bool *too_many);
    void (*release)(void *arg, caller *who);
    void *identify_arg;
} server_options;

/* Copies the options. Strings in them must outlive the server. NULL, after a line in the log, when
 * libwebsockets cannot start. */
server *server_new(const server_options *options) __attribute__((warn_unused_result));

/*
 * Listens on host ("" or NULL: every address; a name or address of this machine) and port; with a
 * certificate chain and key (PEM files), TLS. May be called more than once. Port 0 takes a free
 * one. Returns the port, or -1 after a log line that says why.
 */
int server_listen(server *srv, const char *host, int port, const char *tls_cert,
                  const char *tls_key) __attribute__((warn_unused_result));

/*
 * Reads the certificate and its key again, where TLS is spoken; connections stay. False, after a
 * log line, when they cannot be used: then the old ones are kept.
 */
bool server_reload_tls(server *srv, const char *tls_cert, const char *tls_key)
    __attribute__((warn_unused_result));

/*
 * Stops accepting, refuses new requests (503), and closes the connections over drain_ms in
 * random order with 4200 (reconnect at once). done(arg) is called when the last connection and the
 * last request have gone, or the time is over.
 */
void server_drain(server *srv, void (*done)(void *arg), void *arg);

/*
 * Closes everything now; done(arg) is called in a later turn, when the loop holds nothing of it.
 * Requests that handlers still keep are answered into the void.
 */
void server_stop(server *srv, void (*done)(void *arg), void *arg);

/* After done(), and when the loop will not run again: libwebsockets gives its last handles back
 * only then. */
void server_free(server *srv);

#endif
