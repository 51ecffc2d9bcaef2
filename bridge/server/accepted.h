/*
 * accepted.h - every accepted socket, from accept() to its end: how many there may be, how many of
 * one address, and how long its client may take to say what it wants; for the files of server/
 * alone.
 *
 *     accept ──▶ WAITING ──request whole──▶ BUSY ──answered──▶ WAITING ──next request──▶ …
 *                  │                          └──upgraded──▶ BUSY for good: ws_conn.h takes over
 *                  └──time over, or room is needed: closed
 *
 * A socket that waits for its client is worth nothing to anybody yet: TLS and headers must be there
 * in request_time, however steadily single bytes come, a body in another, and the next request in
 * keepalive_time.
 *
 * Room. When there are as many sockets as there may be, the one that has waited longest is closed
 * for each that comes. So whoever opens sockets and says nothing closes his own: an honest client
 * is among the youngest for as long as its request takes to arrive. If none waits, the new one gets
 * in as a surplus, is told to come back (503, or 4100), and goes. Beyond SURPLUS_MAX of these
 * nobody is accepted until somebody goes.
 */
#ifndef UNICHAT_SERVER_ACCEPTED_H
#define UNICHAT_SERVER_ACCEPTED_H

#include "server/context.h"

#include <sys/socket.h>

typedef struct accepted accepted;

/* Before the first. */
void accepted_start(server *srv);

/* After the last. */
void accepted_stop(server *srv);

/* Whether one more may be accepted now; else listener_resume() is called when it may. */
bool accepted_has_room(server *srv);

/* Hands a new socket to libwebsockets, or closes it. */
void accepted_take(server *srv, struct lws_vhost *vhost, int fd,
                   const struct sockaddr_storage *from);

/* Closes it now, whatever its client has not taken yet. Not from within a callback of libwebsockets
 * for this socket. */
void accepted_kill(struct lws *wsi);

/* Its last callback. */
void accepted_gone(struct lws *wsi);

/* Whose callbacks its events are: a request, a connection, or NULL between two requests. */
void *accepted_owner(struct lws *wsi);
void accepted_set_owner(struct lws *wsi, void *owner);

/* Its client has said what it wants. */
void accepted_busy(struct lws *wsi);

/* Its client has another request_time for a body, keepalive_time for the next request, or
 * max_queue_time to take more of its answer. */
void accepted_await_body(struct lws *wsi);
void accepted_await_request(struct lws *wsi);
void accepted_await_reader(struct lws *wsi);

/* Whether it is one too many. */
bool accepted_is_surplus(struct lws *wsi);

/* Counts it for the address that a trusted proxy has named. False when that has too many. */
bool accepted_count_for(struct lws *wsi, const char *address) __attribute__((warn_unused_result));

#endif
