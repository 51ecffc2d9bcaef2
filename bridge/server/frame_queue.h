/*
 * frame_queue.h - the frames that wait for one socket, in order.
 *
 * Nearly always that is one frame, for less than a turn of the loop: it has its place in the queue
 * itself. What comes behind it goes into a ring, which only a connection that has had to wait owns.
 *
 *     first   ring[head] ring[head + 1] ...
 *
 * Zeroed it is empty.
 */
#ifndef UNICHAT_SERVER_FRAME_QUEUE_H
#define UNICHAT_SERVER_FRAME_QUEUE_H

#include "hub/frame.h"

#include <stdbool.h>

typedef struct frame_queue {
    frame *first; /* NULL: empty */
    size_t bytes; /* of all */
    frame **ring;
    unsigned head, len, cap; /* of the ring */
} frame_queue;

/* Appends the frame, taking a reference. */
void frame_queue_push(frame_queue *q, frame *f);

/* Drops the first one. There must be one. */
void frame_queue_pop(frame_queue *q);

/* Drops all, and the memory but the smallest ring. */
void frame_queue_clear(frame_queue *q);

/* Drops all and gives all memory back. */
void frame_queue_free(frame_queue *q);

/* Whether more than one frame waits. */
static inline bool frame_queue_is_long(const frame_queue *q)
{
    return q->len > 0;
}

#endif
