/* event_queue.h - accepted events on their way to delivery, in order.
 *
 * An event that is only a reference is fetched through the pool when it comes to the front; what is
 * behind it waits, so that the order stays. What has been accepted is not given up when the
 * database goes away, or refuses: the queue goes on later. Only what cannot be had is skipped, and
 * the owner is told whose it was. How much waits is the owner's to bound.
 */
#ifndef UNICHAT_DB_EVENT_QUEUE_H
#define UNICHAT_DB_EVENT_QUEUE_H

#include "db/event.h"
#include "db/pool.h"

typedef struct event_queue event_queue;

typedef void event_handler(void *arg, const db_event *event);

/* An event of this player is left out. */
typedef void event_skipped(void *arg, const char *player);

event_queue *event_queue_new(uv_loop_t *loop, db_pool *pool, event_handler *handler,
                             event_skipped *skipped, void *arg) __attribute__((warn_unused_result));

/* Appends an event, taking it over, and hands on what can be. */
void event_queue_push(event_queue *q, db_event *event);

/* Appends a reference. */
void event_queue_push_ref(event_queue *q, const char *player, int64_t seq);

/* Drops all that waits. */
void event_queue_clear(event_queue *q);

bool event_queue_is_empty(const event_queue *q);

/* Memory of what waits, about. */
size_t event_queue_bytes(const event_queue *q);

/* Frees it and what is in it; a fetch that is under way is answered into the void. */
void event_queue_close(event_queue *q);

#endif
