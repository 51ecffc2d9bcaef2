/* flat_json.c - see flat_json.h. */
#include "protocol/flat_json.h"

#include "base/json_string.h"
#include "base/text.h"

#include <string.h>

void flat_json_open(flat_json *j, const char *text, size_t len)
{
    *j = (flat_json){text, text, text + len, false};
}

/* ---- tokens: behind the one that begins at p, or NULL ---- */

static const char *skip_escape(const char *p, const char *end)
{
    if (p == end)
        return NULL;
    if (*p != 'u')
        return strchr("\"\\/bfnrt", *p) && *p ? p + 1 : NULL;
    if (end - p < 5)
        return NULL;
    for (int i = 1; i <= 4; i++)
        if (text_hex_digit(p[i]) < 0)
            return NULL;
    return p + 5;
}

static const char *skip_string(const char *p, const char *end)
{
    for (p++; p; p = skip_escape(p + 1, end)) {
        p += json_string_plain(p, (size_t)(end - p));
        if (p == end || (unsigned char)*p < 0x20)
            return NULL;
        if (*p == '"')
            return p + 1;
    }
    return NULL;
}

static const char *skip_word(const char *p, const char *end, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(end - p) >= len && memcmp(p, word, len) == 0 ? p + len : NULL;
}

static const char *skip_integer(const char *p, const char *end)
{
    const char *digits = p < end && *p == '-' ? p + 1 : p;
    const char *q = digits;

    while (q < end && *q >= '0' && *q <= '9')
        q++;
    return q == digits || (*digits == '0' && q > digits + 1) ? NULL : q;
}

static const char *skip_value(const char *p, const char *end)
{
    if (p == end)
        return NULL;
    switch (*p) {
    case '"':
        return skip_string(p, end);
    case 'n':
        return skip_word(p, end, "null");
    case 't':
        return skip_word(p, end, "true");
    case 'f':
        return skip_word(p, end, "false");
    default:
        return skip_integer(p, end);
    }
}

/* "key": and no escapes in it. */
static const char *read_key(const char *p, const char *end, flat_member *m)
{
    if (p == end || *p != '"')
        return NULL;
    m->key = p + 1;
    m->key_len = json_string_plain(m->key, (size_t)(end - m->key));
    p = m->key + m->key_len;
    return end - p >= 2 && p[0] == '"' && p[1] == ':' ? p + 2 : NULL;
}

/* ---- members ---- */

bool flat_json_next(flat_json *j, flat_member *m)
{
    const char *p = j->at;
    bool first = p == j->start;
    const char *close = first ? p + 1 : p; /* where the object may end */

    if (p == j->end || (first && *p != '{'))
        return false;
    if (close < j->end && *close == '}') {
        j->whole = close + 1 == j->end;
        return false;
    }
    if (!first && *p != ',')
        return false;
    m->start = first ? p + 1 : p;
    p = read_key(p + 1, j->end, m);
    if (!p)
        return false;
    m->value = p;
    p = skip_value(p, j->end);
    if (!p)
        return false;
    m->value_len = (size_t)(p - m->value);
    m->len = (size_t)(p - m->start);
    j->at = p;
    return true;
}

static unsigned hex4(const char *p)
{
    unsigned code = 0;

    for (int i = 0; i < 4; i++)
        code = code << 4 | (unsigned)text_hex_digit(p[i]);
    return code;
}

/* Appends a character of up to three bytes; NULL for NUL and for surrogates. */
static char *put_code(char *out, unsigned code)
{
    if (code == 0 || (code >= 0xd800 && code <= 0xdfff))
        return NULL;
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

static char *put_escape(char *out, const char **p)
{
    static const char letters[] = "bfnrt", controls[] = "\b\f\n\r\t";
    const char *letter = strchr(letters, **p);

    if (**p == 'u') {
        unsigned code = hex4(*p + 1);

        *p += 5;
        return put_code(out, code);
    }
    *out = letter ? controls[letter - letters] : **p;
    ++*p;
    return out + 1;
}

int64_t flat_member_text(const flat_member *m, char *out)
{
    const char *p = m->value + 1, *end = m->value + m->value_len - 1;
    char *to = out;

    if (m->value[0] != '"')
        return -1;
    while (p < end && to) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((escape ? escape : end) - p);

        memcpy(to, p, plain);
        to += plain;
        p += plain + 1;
        if (escape)
            to = put_escape(to, &p);
    }
    if (!to)
        return -1;
    *to = '\0';
    return to - out;
}

bool flat_member_int(const flat_member *m, int64_t *value)
{
    bool negative = m->value[0] == '-';
    uint64_t digits;

    if (!text_parse_digits(m->value + negative, m->value_len - negative, &digits) ||
        digits > (uint64_t)INT64_MAX + negative)
        return false;
    *value = (int64_t)(negative ? 0 - digits : digits);
    return true;
}
