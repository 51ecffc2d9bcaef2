/* wheel.c - see wheel.h. */
#include "base/wheel.h"

#include "base/mem.h"

#include <stdlib.h>

#define WHEEL_SLOTS 1024u /* a turn is 256 s */

struct wheel {
    uint64_t tick; /* the last one that was fired */
    wheel_timer slots[WHEEL_SLOTS];
};

static void list_init(wheel_timer *head)
{
    head->next = head->prev = head;
}

wheel *wheel_new(uint64_t now_ms)
{
    wheel *w = mem_new(wheel);

    w->tick = now_ms / WHEEL_TICK_MS;
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        list_init(&w->slots[i]);
    return w;
}

void wheel_free(wheel *w)
{
    free(w);
}

bool wheel_running(const wheel_timer *t)
{
    return t->next != NULL;
}

void wheel_stop(wheel_timer *t)
{
    if (!t->next)
        return;
    t->next->prev = t->prev;
    t->prev->next = t->next;
    t->next = t->prev = NULL;
}

static void slot_add(wheel *w, wheel_timer *t)
{
    uint64_t tick = (t->due + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
    wheel_timer *head = &w->slots[(tick > w->tick ? tick : w->tick + 1) % WHEEL_SLOTS];

    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

void wheel_start(wheel *w, wheel_timer *t, uint64_t due, void (*fire)(wheel_timer *t))
{
    wheel_stop(t);
    t->due = due;
    t->fire = fire;
    slot_add(w, t);
}

/* The slot's list is moved to a head of its own first: a callback may add to the slot, or stop a
 * neighbour. */
static void fire_slot(wheel *w, wheel_timer *head, uint64_t now_ms)
{
    wheel_timer due;

    if (head->next == head)
        return;
    due = *head;
    due.next->prev = due.prev->next = &due;
    list_init(head);
    while (due.next != &due) {
        wheel_timer *t = due.next;

        wheel_stop(t);
        if (t->due > now_ms)
            slot_add(w, t);
        else
            t->fire(t);
    }
}

void wheel_advance(wheel *w, uint64_t now_ms)
{
    uint64_t now = now_ms / WHEEL_TICK_MS;
    uint64_t last = now - w->tick > WHEEL_SLOTS ? w->tick + WHEEL_SLOTS : now;

    for (uint64_t tick = w->tick + 1; tick <= last && now > w->tick; tick++) {
        if (tick == last)
            w->tick = now;
        else
            w->tick = tick;
        fire_slot(w, &w->slots[tick % WHEEL_SLOTS], now_ms);
    }
}
