/* webhooks.h - tells app servers what happens on their channels, by POSTs that are signed as Pusher
 * signs them. */
#ifndef UNICHAT_API_WEBHOOKS_H
#define UNICHAT_API_WEBHOOKS_H

#include "hub/hub.h"

#include <uv.h>

#define WEBHOOKS_AT_ONCE 2 /* connections to one host */

typedef struct webhooks webhooks;

/* Observes every app of the hub that has a webhook_url. NULL when libcurl cannot be used. */
webhooks *webhooks_start(uv_loop_t *loop, hub *h) __attribute__((warn_unused_result));

/* Drops what is not sent, and frees. Before the hub is freed; NULL is nothing. */
void webhooks_stop(webhooks *w);

#endif
