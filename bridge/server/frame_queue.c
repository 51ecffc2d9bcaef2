/* frame_queue.c - see frame_queue.h. */
#include "server/frame_queue.h"

#include "base/mem.h"

#include <stdlib.h>

#define SMALLEST_RING 4u

static void grow(frame_queue *q)
{
    unsigned cap = q->cap ? q->cap * 2 : SMALLEST_RING;
    frame **ring = mem_array(cap, sizeof(ring[0]));

    for (unsigned i = 0; i < q->len; i++)
        ring[i] = q->ring[(q->head + i) % q->cap];
    free(q->ring);
    q->ring = ring;
    q->cap = cap;
    q->head = 0;
}

void frame_queue_push(frame_queue *q, frame *f)
{
    frame_ref(f);
    q->bytes += f->len;
    if (!q->first) {
        q->first = f;
        return;
    }
    if (q->len == q->cap)
        grow(q);
    q->ring[(q->head + q->len++) % q->cap] = f;
}

void frame_queue_pop(frame_queue *q)
{
    q->bytes -= q->first->len;
    frame_unref(q->first);
    q->first = NULL;
    if (q->len) {
        q->first = q->ring[q->head];
        q->head = (q->head + 1) % q->cap;
        q->len--;
    }
}

void frame_queue_clear(frame_queue *q)
{
    while (q->first)
        frame_queue_pop(q);
    if (q->cap > SMALLEST_RING)
        frame_queue_free(q);
}

void frame_queue_free(frame_queue *q)
{
    while (q->first)
        frame_queue_pop(q);
    free(q->ring);
    *q = (frame_queue){0};
}
