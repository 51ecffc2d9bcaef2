/* context.h - what the files of server/ share: the server itself. Nobody else includes this. */
#ifndef UNICHAT_SERVER_CONTEXT_H
#define UNICHAT_SERVER_CONTEXT_H

#include "base/buf.h"
#include "base/limit.h"
#include "base/metrics.h"
#include "base/wheel.h"
#include "server/http.h"
#include "server/server.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>

typedef struct ws_conn ws_conn;
typedef struct listener listener;
typedef struct accepted_all accepted_all;
typedef struct http_route_entry http_route_entry;
typedef struct http_mount http_mount;

struct server {
    server_options opt;
    struct lws_context *lws;
    SSL_CTX *tls; /* of the port that speaks TLS, else NULL */
    listener *listeners;
    accepted_all *accepted;
    unsigned n_vhosts;
    uv_check_t after_io;    /* writes what the turn has queued */
    uv_prepare_t before_io; /* the same for what timers have queued */
    uv_timer_t tick;        /* advances the hub's wheel */
    unsigned open_handles;  /* of the above, while closing */
    ws_conn *conns;         /* all */
    ws_conn *dirty;         /* have something to write, or to close */
    unsigned n_conns;
    uint64_t next_conn_id;
    buf join; /* frames of one socket, joined for one write */
    http_route_entry *routes;
    http_mount *mounts;
    http_request *requests; /* not yet answered, or not yet written */
    metric *bytes_out, *slow;
    limit *too_many_messages, *too_many_bodies;
    size_t body_bytes; /* of all requests */
    bool draining;
    uint64_t drain_end; /* monotonic ms */
    void (*drained)(void *arg);
    void *drained_arg;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

#endif
