/* subscribe.h - the rules of joining and leaving a channel; for the files of hub/ alone. */
#ifndef UNICHAT_HUB_SUBSCRIBE_H
#define UNICHAT_HUB_SUBSCRIBE_H

#include "hub/conn.h"
#include "protocol/pusher_message.h"

void subscribe(hub_conn *conn, const pusher_message *m);
void unsubscribe(hub_conn *conn, const char *name);

/* Asks the guard again for what waits; after a sign-in. */
void subscribe_retry_held(hub_conn *conn);
void subscribe_drop_held(hub_conn *conn);

/* Leaves one channel and tells those who stay. */
void subscription_end(subscription *sub);

#endif
