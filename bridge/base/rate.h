/* rate.h - how often something may happen: buckets that fill at a steady pace. Pure; the caller
 * says what time it is.
 *
 * The generic cell rate algorithm: a bucket is one number, the time at which it will be full again.
 *
 *     full_at   now            now + burst
 *        |       |-----|-----|-----|              full: all of the burst may happen at once
 *                |     |full_at                   one was taken: full again after one interval
 *                |                 |full_at       empty: the next in one interval
 *
 * A bucket that is full is the same as none, so a table of them forgets those that are.
 */
#ifndef UNICHAT_BASE_RATE_H
#define UNICHAT_BASE_RATE_H

#include <stddef.h>
#include <stdint.h>

typedef struct rate {
    uint64_t interval_us; /* between two at the steady pace; 0: no limit */
    uint64_t burst_us;    /* what may happen at once, in intervals' time */
} rate;

/* `count` in `seconds`, `burst` of them at once; count 0: no limit. */
rate rate_of(uint64_t count, uint64_t seconds, uint64_t burst);

/* Takes one from a bucket, which is zeroed at first. Returns 0, or the microseconds until there is
 * one; then nothing is taken. */
uint64_t rate_take(rate r, uint64_t *full_at_us, uint64_t now_us);

/* Takes one also where there is none, for what cannot be refused any more. Returns how long to take
 * no other, in microseconds. */
uint64_t rate_charge(rate r, uint64_t *full_at_us, uint64_t now_us);

/* Gives one back. */
void rate_return(rate r, uint64_t *full_at_us);

/* ---- buckets by key ---- */

typedef struct rate_table rate_table;

/* At most `max` keys: the one that was used least recently makes room for a new one. Whoever has so
 * many keys that his own are forgotten may do as much with them anyway. */
rate_table *rate_table_new(size_t max) __attribute__((warn_unused_result));

/* The bridge keeps its tables until its own end; tests do not. */
void rate_table_free(rate_table *t);

/* As rate_take(), rate_charge() and rate_return(), with the bucket of this key. */
uint64_t rate_table_take(rate_table *t, rate r, const char *key, uint64_t now_us);
uint64_t rate_table_charge(rate_table *t, rate r, const char *key, uint64_t now_us);
void rate_table_return(rate_table *t, rate r, const char *key);

/* How many buckets it has. */
size_t rate_table_size(const rate_table *t);

#endif
