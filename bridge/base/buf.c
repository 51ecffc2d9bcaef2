/* buf.c - see buf.h. */
#include "base/buf.h"
#include "base/json_string.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 128

char *buf_reserve(buf *b, size_t more)
{
    size_t need = b->len + more + 1;
    if (need > b->cap) {
        size_t cap = b->cap < FIRST_CAPACITY ? FIRST_CAPACITY : b->cap;
        while (cap < need)
            cap *= 2;
        b->data = mem_realloc(b->data, cap);
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_append(buf *b, const void *data, size_t len)
{
    char *to = buf_reserve(b, len);
    if (len > 0)
        memcpy(to, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_puts(buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}

void buf_putc(buf *b, char c)
{
    buf_append(b, &c, 1);
}

void buf_printf(buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    if (len > 0) {
        vsnprintf(buf_reserve(b, (size_t)len), (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

#define ESCAPE_BLOCK 256 /* bytes that room is made for at once */

void buf_put_json_string(buf *b, const char *s, size_t len)
{
    buf_putc(b, '"');
    while (len > 0) {
        size_t n = len < ESCAPE_BLOCK ? len : ESCAPE_BLOCK;
        char *room = buf_reserve(b, JSON_STRING_ROOM(n));
        b->len += (size_t)(json_string_escape(room, s, n) - room);
        s += n;
        len -= n;
    }
    buf_putc(b, '"');
}

void buf_clear(buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buf_free(buf *b)
{
    free(b->data);
    *b = (buf){0};
}

char *buf_take(buf *b)
{
    buf_append(b, "", 0);
    char *data = b->data;
    *b = (buf){0};
    return data;
}
