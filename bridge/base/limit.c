/* limit.c - see limit.h. */
#include "base/limit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define KEYS_MAX 100000 /* of each limit: some 20 MB */
#define LOGGED_MAX 10000

struct limit {
    char *name;
    metric *refused;
    rate_table *keys;
    limit *next;
};

static limit *all;
static rate_table *logged; /* by limit and key */
static uint64_t all_logged;

limit *limit_get(const char *name)
{
    char labels[64];
    limit *l;
    LL_FOREACH (all, l)
        if (strcmp(l->name, name) == 0)
            return l;
    snprintf(labels, sizeof(labels), "limit=\"%s\"", name);
    l = mem_new(limit);
    l->name = mem_strdup(name);
    l->refused = metric_counter("unichat_limited_total", labels,
                                "What was refused or slowed down because a limit was reached.");
    l->keys = rate_table_new(KEYS_MAX);
    LL_APPEND(all, l);
    return l;
}

static bool may_log(const limit *l, const char *key)
{
    char which[LIMIT_KEY_SIZE + 64];
    uint64_t now = clock_monotonic_us();
    if (!logged)
        logged = rate_table_new(LOGGED_MAX);
    snprintf(which, sizeof(which), "%s %s", l->name, key);
    return rate_table_take(logged, rate_of(1, 60, 1), which, now) == 0 &&
           rate_take(rate_of(LIMIT_LINES, 60, LIMIT_LINES), &all_logged, now) == 0;
}

void limit_tell(limit *l, const char *key)
{
    metric_add(l->refused, 1);
    if (may_log(l, key))
        log_warning("event=limited limit=%s key=%s", l->name, LOG_Q(key));
}

uint64_t limit_take_us(limit *l, rate r, const char *key)
{
    uint64_t wait_us = rate_table_take(l->keys, r, key, clock_monotonic_us());
    if (wait_us > 0)
        limit_tell(l, key);
    return wait_us;
}

unsigned limit_take(limit *l, rate r, const char *key)
{
    return (unsigned)((limit_take_us(l, r, key) + 999999) / 1000000);
}

uint64_t limit_charge(limit *l, rate r, const char *key)
{
    uint64_t wait_us = rate_table_charge(l->keys, r, key, clock_monotonic_us());
    if (wait_us > 0)
        limit_tell(l, key);
    return wait_us;
}

void limit_return(limit *l, rate r, const char *key)
{
    rate_table_return(l->keys, r, key);
}
