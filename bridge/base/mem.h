/* mem.h - allocation that cannot fail.
 *
 * The bridge's memory is bounded by limits on connections, queues and bodies, so running out of it
 * is a broken machine and not a case to handle: these functions log one line and abort. Free with
 * free().
 */
#ifndef UNICHAT_BASE_MEM_H
#define UNICHAT_BASE_MEM_H

#include <stddef.h>

#define MEM_MUST_USE __attribute__((warn_unused_result))

/* Zeroed memory of `size` bytes. */
void *mem_alloc(size_t size) MEM_MUST_USE __attribute__((malloc));

/* The same, not zeroed: for what is written whole, and so often that it counts. */
void *mem_raw(size_t size) MEM_MUST_USE __attribute__((malloc));

/* Zeroed memory for `count` elements; aborts when the product overflows. */
void *mem_array(size_t count, size_t size) MEM_MUST_USE __attribute__((malloc));

/* Like realloc(); what was added is not zeroed. */
void *mem_realloc(void *old, size_t size) MEM_MUST_USE;

/* A copy of a string, of the first `len` bytes with a terminating NUL, of a formatted string. NULL
 * gives NULL. */
char *mem_strdup(const char *s) MEM_MUST_USE;
char *mem_strndup(const char *s, size_t len) MEM_MUST_USE;
char *mem_printf(const char *fmt, ...) MEM_MUST_USE __attribute__((format(printf, 1, 2)));

/* One zeroed object of a type. */
#define mem_new(type) ((type *)mem_alloc(sizeof(type)))

/* Sets `*slot` to a copy of `s` and frees what was there. */
void mem_replace(char **slot, const char *s);

#endif
