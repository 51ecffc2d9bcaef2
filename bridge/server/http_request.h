/*
 * http_request.h - a request from its headers to its answer; for the files of server/ alone.
 *
 *     READING --body complete--> HANDLING --http_respond*--> ANSWERED --written--> (freed)
 *        |                          |                           |
 *        +---- client gone: freed   +-- client gone: wsi is     +-- client gone: freed
 *                                       NULL, freed by the
 *                                       answer
 */
#ifndef UNICHAT_SERVER_HTTP_REQUEST_H
#define UNICHAT_SERVER_HTTP_REQUEST_H

#include "server/context.h"
#include "server/header.h"
#include "server/pairs.h"

#define HTTP_MAX_PARAMS 4

typedef enum http_state { HTTP_READING, HTTP_HANDLING, HTTP_ANSWERED } http_state;

/* in_pattern is where the name begins in the route's pattern; it ends at a slash or with it. */
typedef struct http_path_param {
    const char *in_pattern;
    char *value;
} http_path_param;

struct http_request {
    server *srv;
    struct lws *wsi; /* NULL when the client has gone */
    http_request *prev, *next;
    http_state state;
    const char *method;
    char *path;
    http_pairs headers, query, form;
    bool form_read;
    http_path_param params[HTTP_MAX_PARAMS];
    buf body;
    bool too_large;   /* the body is read and thrown away */
    bool close_after; /* the connection cannot be used again */
    bool handled_now; /* the handler is running */
    bool from_here;   /* the peer is on this machine; it may be a proxy */
    char peer[HEADER_PEER_SIZE];
    buf extra_headers; /* of the answer */
    buf answer;        /* all of it, ready to be written */
    size_t written;    /* of it */
};

/* The headers are there. Returns 0, or -1 if libwebsockets is to close the connection. */
int http_begin(server *srv, struct lws *wsi);
int http_body_piece(http_request *req, const void *data, size_t len);
int http_body_end(http_request *req);
int http_writable(http_request *req);
void http_gone(http_request *req);

/* Finds the handler and calls it; answers 404, 405, preflights and such itself. */
void http_dispatch(http_request *req);

/* Frees it; for the answer to a client that has gone. */
void http_request_free(http_request *req);

/* Forgets all routes, all mounts. */
void http_routes_free(server *srv);
void http_mounts_free(server *srv);

/* Answers with a file below a mount; false if the path is below none. */
bool http_static_serve(http_request *req);

#endif
