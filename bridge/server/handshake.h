/* handshake.h - what a WebSocket handshake asks for and proves; for the files of server/ alone. */
#ifndef UNICHAT_SERVER_HANDSHAKE_H
#define UNICHAT_SERVER_HANDSHAKE_H

#include "server/context.h"

typedef struct handshake {
    hub_app *app;
    caller *who; /* NULL: nobody in particular */
    int64_t expires_at;
    char client[64]; /* "js 8.6.0", for the log */
    int code;        /* when refused: what to close with */
    const char *why;
} handshake;

/* Reads path, query, Origin and token. False when the connection is refused; then `who` is NULL. */
bool handshake_read(server *srv, struct lws *wsi, handshake *hs);

#endif
