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

#define ESCAPE_MAX 6     /* bytes of \u00XX */
#define ESCAPE_BLOCK 256 /* bytes that room is made for at once */

/* Writes the escape of a control character; returns what is behind it. */
static char *put_control(char *to, unsigned char c)
{
    static const char controls[] = "\b\f\n\r\t", letters[] = "bfnrt", digits[] = "0123456789abcdef";
    const char *control = c != '\0' ? strchr(controls, c) : NULL;
    *to++ = '\\';
    if (control != NULL) {
        *to++ = letters[control - controls];
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = digits[c >> 4];
    to[4] = digits[c & 15];
    return to + 5;
}

/* Every frame's data goes through here, and every seventh byte of it is a quote, which no branch
 * predictor foresees: so a backslash is always written, and stays where it is needed. */
static char *put_escaped(char *to, const char *s, size_t len)
{
    static const unsigned char backslashes[256] = {['"'] = 1, ['\\'] = 1};
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x20) {
            to = put_control(to, c);
            continue;
        }
        *to = '\\';
        to += backslashes[c];
        *to++ = (char)c;
    }
    return to;
}

void buf_put_json_string(buf *b, const char *s, size_t len)
{
    buf_putc(b, '"');
    while (len > 0) {
        size_t n = len < ESCAPE_BLOCK ? len : ESCAPE_BLOCK;
        char *room = buf_reserve(b, n * ESCAPE_MAX);
        b->len += (size_t)(put_escaped(room, s, n) - room);
        s += n;
        len -= n;
    }
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
