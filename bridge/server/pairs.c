/* pairs.c - see pairs.h. */
#include "server/pairs.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void pairs_add(http_pairs *pairs, const char *name, size_t name_len, const char *value,
               size_t value_len)
{
    if (pairs->len == pairs->cap) {
        pairs->cap = pairs->cap ? pairs->cap * 2 : 8;
        pairs->items = mem_realloc(pairs->items, pairs->cap * sizeof(pairs->items[0]));
    }
    pairs->items[pairs->len++] =
        (http_pair){mem_strndup(name, name_len), mem_strndup(value, value_len)};
}

const char *pairs_get(const http_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->len; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return NULL;
}

void pairs_free(http_pairs *pairs)
{
    for (size_t i = 0; i < pairs->len; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    free(pairs->items);
}
