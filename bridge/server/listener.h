/* listener.h - a listening socket on the loop; every connection is handed to a libwebsockets
 * virtual host.
 *
 * We accept ourselves, instead of letting libwebsockets listen, so that draining can stop accepting
 * while every connection stays, and so that running out of file descriptors pauses accepting
 * instead of spinning.
 */
#ifndef UNICHAT_SERVER_LISTENER_H
#define UNICHAT_SERVER_LISTENER_H

#include "server/context.h"

/* Returns the port, or -1 after a log line. The listener is in srv->listeners. */
int listener_open(server *srv, const char *host, int port, struct lws_vhost *vhost);

/* Accepts again, after accepted_has_room() has said no. */
void listener_resume(server *srv);

/* Stops accepting on all of them; they are freed in a later turn. */
void listener_close_all(server *srv);

#endif
