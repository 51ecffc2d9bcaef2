/* pusher_api.h - Pusher's own server API: /apps/{id}/events and its kin, for every server library
 * of Pusher. */
#ifndef UNICHAT_API_PUSHER_API_H
#define UNICHAT_API_PUSHER_API_H

#include "hub/hub.h"
#include "server/server.h"

/* Adds the routes, with and without the path prefix. The server and the hub outlive them; prefix is
 * "" for none. */
void pusher_api_add(server *srv, hub *h, const char *path_prefix);

#endif
