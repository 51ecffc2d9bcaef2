/*
 * ws_conn.h - a WebSocket connection: its queue, its liveness and its end; for the files of server/
 * alone.
 *
 * Writing. The hub queues frames; at the end of the loop's turn everything that one socket got goes
 * out in one write, at once, unless libwebsockets still holds the rest of an earlier one: then it
 * waits for the socket to be writable.
 *
 *     hub --send--> queue --flush, end of turn--> socket
 *                     |                  \--> [blocked] --writable--> socket
 *                     \--> too many bytes, or too long blocked: closed with 4200, so that the
 *                          client reconnects and resumes
 *
 * Liveness. Every byte from the client counts. After activity_timeout of silence it is pinged;
 * after pong_ms more it is closed with 4201. One timer per connection, in the hub's wheel,
 * that is never moved by traffic: it looks at last_seen when it is due.
 *
 * The end. Membership ends when we decide to close, or when the client's Close frame is here, not
 * when TCP is gone.
 */
#ifndef UNICHAT_SERVER_WS_CONN_H
#define UNICHAT_SERVER_WS_CONN_H

#include "server/context.h"

/* Before the handshake is answered: its answer and what ws_open() sends go out in one segment,
 * which is a third of what a connection costs to set up. ws_flush() lets them go. */
void ws_hold_back(struct lws *wsi, bool hold);

/* The handshake is done and its headers can still be read. */
void ws_open(server *srv, struct lws *wsi);

/* A piece of a message. */
void ws_receive(ws_conn *c, struct lws *wsi, const char *data, size_t len);

/* An answer to a WebSocket ping. */
void ws_pong(ws_conn *c);

/* The socket takes more. False: libwebsockets has to close it now. */
bool ws_writable(ws_conn *c);

/* The client's Close frame has come. True if it is to be answered, false if it is the answer to
 * ours: then the connection ends. */
bool ws_peer_closed(ws_conn *c);

/* The socket is gone: frees the connection. */
void ws_gone(ws_conn *c);

/* Writes what all connections have queued in this turn. */
void ws_flush(server *srv);

/* Closes with this code after what is queued. Says nothing but the Close frame. */
void ws_close(ws_conn *c, int code, const char *reason);

ws_conn *ws_next(const ws_conn *c);
bool ws_is_closing(const ws_conn *c);

/* Makes the hub talk through this server's connections. */
void ws_install_transport(server *srv);

#endif
