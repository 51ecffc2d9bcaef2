/*
 * map.h - finds objects by their keys: a hash table of pointers.
 *
 * An event looks for several names in tables of thousands, of which the processor's cache holds
 * none. So what counts is how many lines of memory a search touches: here one of slots, and the
 * object itself only when all 64 bits of its hash are those of the key.
 *
 *     slots   [hash, object] [        ] [hash, object] [hash, object] ...    at most 3/4 taken
 *
 * An object stands in the slot that its hash points to, or in the next free one behind it. Taking
 * one out moves back what stands behind it, so nothing is left to step over.
 *
 * Keys are the objects' own: the map is told the hash, and asks `is` whether an object has a key.
 * Names come from clients, who must not be able to choose ones that collide: map_hash() has a
 * secret that is drawn at its first use.
 *
 * A zeroed map is an empty one.
 */
#ifndef UNICHAT_BASE_MAP_H
#define UNICHAT_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct map_slot {
    uint64_t hash;
    void *item; /* NULL: free */
} map_slot;

typedef struct map {
    map_slot *slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
} map;

/* Whether the item has this key. */
typedef bool map_is(const void *item, const void *key);

uint64_t map_hash(const void *key, size_t len);

/* The item with this hash and key, or NULL. */
void *map_find(const map *m, uint64_t hash, map_is *is, const void *key);

/* Adds an item. No other may have its key. */
void map_add(map *m, uint64_t hash, void *item);

/* Takes an item out, if it is there. */
void map_remove(map *m, uint64_t hash, const void *item);

/* Takes out every item that `drop` says true of; that may free it. */
void map_filter(map *m, bool (*drop)(void *arg, void *item), void *arg);

/* The items one after another, in no order: start with *at = 0; NULL at the end. The map must not
 * change meanwhile. */
void *map_next(const map *m, size_t *at);

/* Takes out all items and gives the memory back. */
void map_clear(map *m);

#endif
