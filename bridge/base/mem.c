/* mem.c - see mem.h. */
#include "base/mem.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p, size_t size)
{
    if (!p && size > 0) {
        log_error("event=out_of_memory size=%zu", size);
        abort();
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return checked(calloc(1, size), size);
}

void *mem_raw(size_t size)
{
    return checked(malloc(size), size);
}

void *mem_array(size_t count, size_t size)
{
    return checked(calloc(count, size), count > 0 ? size : 0);
}

void *mem_realloc(void *old, size_t size)
{
    return checked(realloc(old, size), size);
}

char *mem_strdup(const char *s)
{
    return s ? checked(strdup(s), 1) : NULL;
}

char *mem_strndup(const char *s, size_t len)
{
    if (!s)
        return NULL;
    char *copy = checked(calloc(1, len + 1), 1);
    memcpy(copy, s, len);
    return copy;
}

char *mem_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    return checked(text, 1);
}

void mem_replace(char **slot, const char *s)
{
    char *copy = mem_strdup(s);
    free(*slot);
    *slot = copy;
}
