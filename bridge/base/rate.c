/* rate.c - see rate.h.
 *
 * The table's list is in the order of use. Each use looks at the two oldest and forgets those that
 * are full, so that it empties itself faster than it fills, without a timer.
 */
#include "base/rate.h"
#include "base/hash_table.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define FORGET_PER_USE 2

typedef struct bucket {
    UT_hash_handle hh;
    struct bucket *prev, *next; /* least recently used first */
    uint64_t full_at_us;
    char key[];
} bucket;

struct rate_table {
    bucket *by_key, *by_use;
    size_t max;
};

rate rate_of(uint64_t count, uint64_t seconds, uint64_t burst)
{
    uint64_t interval = count == 0 ? 0 : seconds * 1000000 / count;
    return (rate){.interval_us = interval, .burst_us = interval * burst};
}

uint64_t rate_take(rate r, uint64_t *full_at_us, uint64_t now_us)
{
    uint64_t from = *full_at_us > now_us ? *full_at_us : now_us;
    uint64_t until = from + r.interval_us;
    if (until > now_us + r.burst_us)
        return until - now_us - r.burst_us;
    *full_at_us = until;
    return 0;
}

uint64_t rate_charge(rate r, uint64_t *full_at_us, uint64_t now_us)
{
    uint64_t from = *full_at_us > now_us ? *full_at_us : now_us;
    *full_at_us = from + r.interval_us;
    return *full_at_us > now_us + r.burst_us ? *full_at_us - now_us - r.burst_us : 0;
}

void rate_return(rate r, uint64_t *full_at_us)
{
    *full_at_us -= r.interval_us < *full_at_us ? r.interval_us : *full_at_us;
}

rate_table *rate_table_new(size_t max)
{
    rate_table *t = mem_new(rate_table);
    t->max = max;
    return t;
}

static void forget(rate_table *t, bucket *b)
{
    HASH_DEL(t->by_key, b);
    DL_DELETE(t->by_use, b);
    free(b);
}

void rate_table_free(rate_table *t)
{
    while (t->by_use)
        forget(t, t->by_use);
    free(t);
}

static void forget_full(rate_table *t, uint64_t now_us)
{
    for (int i = 0; i < FORGET_PER_USE; i++)
        if (t->by_use && t->by_use->full_at_us <= now_us)
            forget(t, t->by_use);
}

static bucket *find(const rate_table *t, const char *key)
{
    bucket *b;
    HASH_FIND_STR(t->by_key, key, b);
    return b;
}

static bucket *add(rate_table *t, const char *key)
{
    size_t len = strlen(key);
    bucket *b;
    if (rate_table_size(t) >= t->max)
        forget(t, t->by_use);
    b = mem_alloc(sizeof(*b) + len + 1);
    memcpy(b->key, key, len + 1);
    HASH_ADD_STR(t->by_key, key, b);
    DL_APPEND(t->by_use, b);
    return b;
}

/* The key's bucket, now the last one used. */
static bucket *use(rate_table *t, const char *key, uint64_t now_us)
{
    bucket *b;
    forget_full(t, now_us);
    b = find(t, key);
    if (!b)
        return add(t, key);
    DL_DELETE(t->by_use, b);
    DL_APPEND(t->by_use, b);
    return b;
}

uint64_t rate_table_take(rate_table *t, rate r, const char *key, uint64_t now_us)
{
    return r.interval_us == 0 ? 0 : rate_take(r, &use(t, key, now_us)->full_at_us, now_us);
}

uint64_t rate_table_charge(rate_table *t, rate r, const char *key, uint64_t now_us)
{
    return r.interval_us == 0 ? 0 : rate_charge(r, &use(t, key, now_us)->full_at_us, now_us);
}

void rate_table_return(rate_table *t, rate r, const char *key)
{
    bucket *b = find(t, key);
    if (b)
        rate_return(r, &b->full_at_us);
}

size_t rate_table_size(const rate_table *t)
{
    return HASH_COUNT(t->by_key);
}
