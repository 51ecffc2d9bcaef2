/* buf.c - see buf.h. */
#include "base/buf.h"
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

/* The letter of a two-character escape, 'u' for \u00XX, 0 where the byte stands for itself. */
static char json_escape_letter(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return c < 0x20 ? 'u' : 0;
    }
}

void buf_put_json_string(buf *b, const char *s, size_t len)
{
    buf_reserve(b, len + 2);
    buf_putc(b, '"');
    size_t plain = 0; /* start of the run that is copied as it is */
    for (size_t i = 0; i < len; i++) {
        char letter = json_escape_letter((unsigned char)s[i]);
        if (letter == 0)
            continue;
        buf_append(b, s + plain, i - plain);
        plain = i + 1;
        if (letter == 'u')
            buf_printf(b, "\\u%04x", (unsigned)(unsigned char)s[i]);
        else
            buf_append(b, (char[]){'\\', letter}, 2);
    }
    buf_append(b, s + plain, len - plain);
    buf_putc(b, '"');
}

void buf_consume(buf *b, size_t len)
{
    memmove(b->data, b->data + len, b->len - len + 1);
    b->len -= len;
}

void buf_clear(buf *b)
{
    b->len = 0;
    if (b->data != NULL)
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
