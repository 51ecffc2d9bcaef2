/* A leak for gcc -fanalyzer to find: what is in the table is not one, what is only allocated is. scripts/static-checks.sh */
#include <stdlib.h>

#include <uthash.h>

typedef struct thing {
    UT_hash_handle hh;
    int key;
} thing;

static thing *things;

int keep(int key);
int lose(int key);

int keep(int key)
{
    thing *t = calloc(1, sizeof *t);

    if (t == NULL)
        return -1;
    t->key = key;
    HASH_ADD_INT(things, key, t);
    return 0;
}

int lose(int key)
{
    thing *t = calloc(1, sizeof *t);

    if (t == NULL)
        return -1;
    t->key = key; /* found: analyzer-malloc-leak */
    return t->key;
}
