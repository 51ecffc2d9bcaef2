/* client_event.h - events that clients send to each other; for the files of hub/ alone. */
#ifndef UNICHAT_HUB_CLIENT_EVENT_H
#define UNICHAT_HUB_CLIENT_EVENT_H

#include "hub/conn.h"
#include "protocol/pusher_message.h"

/* Passes the event on to the channel's other subscribers, or tells the sender why not. */
void client_event(hub_conn *conn, const pusher_message *m);

#endif
