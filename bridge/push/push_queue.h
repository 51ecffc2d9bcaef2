/* push_queue.h - sends what push_notifications owes to the staff's devices.
 *
 * Several bridges may work on one queue: a row is claimed by one of them at a time. Without an API
 * key the queue is measured and kept, and one warning says so.
 */
#ifndef UNICHAT_PUSH_QUEUE_H
#define UNICHAT_PUSH_QUEUE_H

#include "config/config.h"
#include "db/pool.h"

#include <uv.h>

typedef struct push_queue push_queue;

/* Whether a queue can work by these settings; if not, a line in the log says why. */
bool push_queue_check(const config *conf) __attribute__((warn_unused_result));

/* Starts to work off the queue as soon as the loop runs. `conf` and `pool` outlive it. Returns
 * NULL, with the reason in the log, when a setting or this machine's libcurl is unfit. */
push_queue *push_queue_start(uv_loop_t *loop, const config *conf, db_pool *pool)
    __attribute__((warn_unused_result));

/* There may be something to send: a request was created, or the database is back. Cheap; call it
 * for each. */
void push_queue_wake(push_queue *queue);

/* The settings were read again: another app or a new key is tried at once, whatever was refused
 * before. */
void push_queue_reload(push_queue *queue);

/* Claims nothing more, waits up to `grace_ms` for calls under way, gives the others' rows back,
 * frees the queue and calls stopped(arg). The pool must stay open until then. */
void push_queue_stop(push_queue *queue, uint64_t grace_ms, void (*stopped)(void *arg), void *arg);

#endif
