/* push_text.c - texts for notifications: one line, bounded, inert. */
#include "push/push_text.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

/* ---- single characters ---- */

/* Decodes the character at `s` of valid UTF-8 and sets its length. */
static uint32_t decode(const unsigned char *s, size_t *len)
{
    if (s[0] < 0x80) {
        *len = 1;
        return s[0];
    }
    if (s[0] < 0xe0) {
        *len = 2;
        return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    }
    if (s[0] < 0xf0) {
        *len = 3;
        return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    }
    *len = 4;
    return (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
}

static bool is_blank(uint32_t c)
{
    return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Embeddings, overrides and isolates: they would let a name rewrite the text around it. */
static bool turns_direction(uint32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
           c == 0x200f || c == 0xfeff;
}

/* Belongs to the character before it: combining marks, variation selectors, skin tones, joiner,
 * tags. */
static bool extends(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x483 && c <= 0x489) || (c >= 0x591 && c <= 0x5bd) ||
           (c >= 0x610 && c <= 0x61a) || (c >= 0x64b && c <= 0x65f) || (c >= 0x900 && c <= 0x903) ||
           (c >= 0x93a && c <= 0x94f && c != 0x93d) ||
           (c >= 0xe31 && c <= 0xe3a && c != 0xe32 && c != 0xe33) || (c >= 0xe47 && c <= 0xe4e) ||
           (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x1dc0 && c <= 0x1dff) || c == 0x200d ||
           (c >= 0x20d0 && c <= 0x20ff) || (c >= 0xfe00 && c <= 0xfe0f) ||
           (c >= 0xfe20 && c <= 0xfe2f) || (c >= 0x1f3fb && c <= 0x1f3ff) ||
           (c >= 0xe0020 && c <= 0xe007f) || (c >= 0xe0100 && c <= 0xe01ef);
}

/* ---- a line ---- */

/* Appends `text` as one line without blanks at its ends, inert for template languages. */
static void flatten(buf *line, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t last = 0;
    bool gap = false;
    size_t len;

    for (; *s != '\0'; s += len) {
        uint32_t c = decode(s, &len);

        if (turns_direction(c))
            continue;
        if (is_blank(c)) {
            gap = line->len > 0;
            continue;
        }
        if (gap || (last == '{' && (c == '{' || c == '%' || c == '#')))
            buf_putc(line, ' ');
        buf_append(line, s, len);
        last = c;
        gap = false;
    }
}

/* The greatest length up to `len` at which a character and all that belongs to it ends. */
static size_t whole_characters(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;

    while (len > 0 && s[len] != '\0') {
        size_t start = len, ignored;
        bool joined;

        do
            start--;
        while (start > 0 && (s[start] & 0xc0) == 0x80);
        joined = decode(s + start, &ignored) == 0x200d;
        if (!joined && !extends(decode(s + len, &ignored)))
            break;
        len = start;
    }
    return len;
}

char *push_text_line(const char *text, size_t max_chars)
{
    buf line = {0};
    size_t len;

    buf_puts(&line, "");
    flatten(&line, text);
    if (text_utf8_count(line.data, line.len) > max_chars) {
        len = max_chars > 0 ? text_utf8_prefix(line.data, line.len, max_chars - 1) : 0;
        len = whole_characters(line.data, len);
        while (len > 0 && line.data[len - 1] == ' ')
            len--;
        line.len = len;
        if (max_chars > 0)
            buf_puts(&line, ELLIPSIS);
    }
    return buf_take(&line);
}

/* ---- the other side's words ---- */

void push_text_foreign(char *out, size_t size, const char *data, size_t len)
{
    size_t used = 0, step;

    for (size_t i = 0; i < len; i += step) {
        unsigned char c = (unsigned char)data[i];

        step = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        if (step > len - i || !text_utf8_valid(data + i, step)) {
            step = 1;
            c = '?';
        }
        if (used + step >= size)
            break;
        if (step > 1)
            memcpy(out + used, data + i, step);
        else
            out[used] = (char)(c < 0x20 || c == 0x7f ? ' ' : c);
        used += step;
    }
    out[used] = '\0';
}
