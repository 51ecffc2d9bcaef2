/* pairs.h - names and values in the order in which they came: headers, query parameters, the fields
 * of a form. A name may be there more than once. */
#ifndef UNICHAT_SERVER_PAIRS_H
#define UNICHAT_SERVER_PAIRS_H

#include <stddef.h>

typedef struct http_pair {
    char *name, *value;
} http_pair;

typedef struct http_pairs {
    http_pair *items;
    size_t len, cap;
} http_pairs;

/* Copies both. */
void pairs_add(http_pairs *pairs, const char *name, size_t name_len, const char *value,
               size_t value_len);

/* The first value of that name, which the pairs own; NULL if there is none. */
const char *pairs_get(const http_pairs *pairs, const char *name);

/* Frees what the pairs hold. */
void pairs_free(http_pairs *pairs);

#endif
