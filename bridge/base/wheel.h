/* wheel.h - very many coarse timers: start, restart and stop in constant time, a quarter of a
 * second of accuracy.
 *
 * A wheel of slots, each a list of the timers that are due in that tick; one that is due after more
 * than a whole turn waits in its slot and is put further when its slot comes by. Idle timers cost
 * nothing but their memory, which is inside the object that is timed. The owner of the loop calls
 * wheel_advance().
 *
 *     ticks:    0   1   2   3  ...  1023
 *               |       |
 *              [t1]    [t2]-[t3]            <- intrusive, doubly linked
 */
#ifndef UNICHAT_BASE_WHEEL_H
#define UNICHAT_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK_MS 250

typedef struct wheel wheel;
typedef struct wheel_timer wheel_timer;

/* Zeroed it is stopped. `due` is public so that the object knows why it waits; all else is the
 * wheel's. */
struct wheel_timer {
    wheel_timer *next, *prev;
    void (*fire)(wheel_timer *t);
    uint64_t due; /* monotonic milliseconds */
};

wheel *wheel_new(uint64_t now_ms);

/* Every timer must be stopped. */
void wheel_free(wheel *w);

/* Calls fire(t) once, at the first tick at or after `due`; a running timer is moved. */
void wheel_start(wheel *w, wheel_timer *t, uint64_t due, void (*fire)(wheel_timer *t));
void wheel_stop(wheel_timer *t);
bool wheel_running(const wheel_timer *t);

/* Fires what is due. A callback may start and stop any timer, and free the object of its own. */
void wheel_advance(wheel *w, uint64_t now_ms);

#endif
