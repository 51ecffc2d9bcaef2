/* tally.c - see tally.h. */
#include "base/tally.h"
#include "base/hash_table.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct tally_entry {
    UT_hash_handle hh;
    int64_t count;
    char key[];
};

struct tally {
    tally_entry *entries;
};

tally *tally_new(void)
{
    return mem_new(tally);
}

void tally_free(tally *t)
{
    free(t);
}

tally_entry *tally_enter(tally *t, const char *key, int64_t max)
{
    tally_entry *e;
    HASH_FIND_STR(t->entries, key, e);
    if (e && max != 0 && e->count >= max)
        return NULL;
    if (!e) {
        size_t len = strlen(key);
        e = mem_alloc(sizeof(*e) + len + 1);
        memcpy(e->key, key, len + 1);
        HASH_ADD_STR(t->entries, key, e);
    }
    e->count++;
    return e;
}

void tally_leave(tally *t, tally_entry *e)
{
    if (!e || --e->count > 0)
        return;
    HASH_DEL(t->entries, e);
    free(e);
}

const char *tally_key(const tally_entry *e)
{
    return e->key;
}
