/* map.c - see map.h. */
#include "base/map.h"

#include "base/mem.h"
#include "base/rand.h"
#include "base/siphash.h"

#include <stdlib.h>

#define SMALLEST 8u

uint64_t map_hash(const void *key, size_t len)
{
    static uint64_t secret[2];
    static bool drawn;

    if (!drawn)
        rand_bytes(secret, sizeof(secret));
    drawn = true;
    return siphash(secret, key, len);
}

void *map_find(const map *m, uint64_t hash, map_is *is, const void *key)
{
    size_t last = m->size - 1;

    if (m->size == 0)
        return NULL;
    for (size_t i = hash & last; m->slots[i].item; i = (i + 1) & last)
        if (m->slots[i].hash == hash && is(m->slots[i].item, key))
            return m->slots[i].item;
    return NULL;
}

static void put(map *m, uint64_t hash, void *item)
{
    size_t last = m->size - 1, i = hash & last;

    while (m->slots[i].item)
        i = (i + 1) & last;
    m->slots[i] = (map_slot){hash, item};
}

static void resize(map *m, size_t size)
{
    map old = *m;

    m->slots = mem_array(size, sizeof(m->slots[0]));
    m->size = size;
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].item)
            put(m, old.slots[i].hash, old.slots[i].item);
    free(old.slots);
}

void map_add(map *m, uint64_t hash, void *item)
{
    if (m->count >= m->size / 4 * 3)
        resize(m, m->size ? m->size * 2 : SMALLEST);
    put(m, hash, item);
    m->count++;
}

/* Whether `at` is on the way from `home` to `i`, around the end if need be. */
static bool is_on_the_way(size_t home, size_t at, size_t i, size_t last)
{
    return ((i - home) & last) >= ((i - at) & last);
}

/* Frees slot i, and moves there the next item that may stand in it; then that one's slot is free,
 * and so on. */
static void close_gap(map *m, size_t gap)
{
    size_t last = m->size - 1;

    m->slots[gap].item = NULL;
    for (size_t i = (gap + 1) & last; m->slots[i].item; i = (i + 1) & last)
        if (is_on_the_way(m->slots[i].hash & last, gap, i, last)) {
            m->slots[gap] = m->slots[i];
            m->slots[i].item = NULL;
            gap = i;
        }
}

void map_remove(map *m, uint64_t hash, const void *item)
{
    size_t last = m->size - 1, i = hash & last;

    if (m->size == 0)
        return;
    while (m->slots[i].item && m->slots[i].item != item)
        i = (i + 1) & last;
    if (!m->slots[i].item)
        return;
    close_gap(m, i);
    m->count--;
    if (m->size > SMALLEST && m->count < m->size / 8)
        resize(m, m->size / 2);
}

void map_filter(map *m, bool (*drop)(void *arg, void *item), void *arg)
{
    map old = *m;

    *m = (map){0};
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].item && !drop(arg, old.slots[i].item))
            map_add(m, old.slots[i].hash, old.slots[i].item);
    free(old.slots);
}

void *map_next(const map *m, size_t *at)
{
    while (*at < m->size) {
        void *item = m->slots[(*at)++].item;

        if (item)
            return item;
    }
    return NULL;
}

void map_clear(map *m)
{
    free(m->slots);
    *m = (map){0};
}
