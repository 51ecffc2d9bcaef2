/*
 * uthash as gcc -fanalyzer can follow it: who adds an element to a table hands it over. gcc 12 loses the table behind the real
 * macro, and takes the element, the table and all that hangs on them for leaked.
 */
#include <uthash.h>

extern void *uthash_added(void *table, void *element);

#undef HASH_ADD_KEYPTR_BYHASHVALUE
#define HASH_ADD_KEYPTR_BYHASHVALUE(hh, head, keyptr, keylen, hashval, add) ((head) = uthash_added(head, add))
