/* text.c - see text.h. */
#include "base/text.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- UTF-8 ---- */

/* Bytes of the character at `s`, 0 when it is not a valid one. The ranges of the second byte are
 * those of the Unicode standard's table 3-7: they exclude overlong forms, surrogates and what is
 * beyond U+10FFFF. */
static size_t utf8_char_len(const unsigned char *s, size_t left)
{
    unsigned char c = s[0], low = 0x80, high = 0xBF;
    size_t len;
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c <= 0xDF) {
        len = 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
        len = 3;
        low = c == 0xE0 ? 0xA0 : 0x80;
        high = c == 0xED ? 0x9F : 0xBF;
    } else if (c >= 0xF0 && c <= 0xF4) {
        len = 4;
        low = c == 0xF0 ? 0x90 : 0x80;
        high = c == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (left < len || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

/* Whether the next eight bytes are ASCII; most of what is looked at is. */
static bool ascii_ahead(const unsigned char *s, size_t left)
{
    uint64_t eight;
    if (left < sizeof(eight))
        return false;
    memcpy(&eight, s, sizeof(eight));
    return (eight & UINT64_C(0x8080808080808080)) == 0;
}

bool text_utf8_valid(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    while (len > 0) {
        size_t n = ascii_ahead(p, len) ? sizeof(uint64_t) : utf8_char_len(p, len);
        if (n == 0)
            return false;
        p += n;
        len -= n;
    }
    return true;
}

size_t text_utf8_count(const char *s, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)s[i] & 0xC0) != 0x80;
    return count;
}

size_t text_utf8_prefix(const char *s, size_t len, size_t max_chars)
{
    for (size_t i = 0; i < len; i++) {
        bool starts = ((unsigned char)s[i] & 0xC0) != 0x80;
        if (starts && max_chars-- == 0)
            return i;
    }
    return len;
}

/* ---- hex and base64 ---- */

void text_hex(char *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 15];
    }
    *out = '\0';
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *text_base64url(const void *data, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *p = data;
    char *out = mem_alloc((len + 2) / 3 * 4 + 1);
    size_t at = 0;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t v = (uint32_t)p[i] << 16;
        v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        v |= left > 2 ? p[i + 2] : 0;
        out[at++] = alphabet[v >> 18];
        out[at++] = alphabet[v >> 12 & 63];
        if (left > 1)
            out[at++] = alphabet[v >> 6 & 63];
        if (left > 2)
            out[at++] = alphabet[v & 63];
    }
    return out;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* The length without its padding; SIZE_MAX when the padding is wrong. */
static size_t base64_unpadded(const char *s, size_t len)
{
    size_t pad = 0;
    while (pad < len && pad < 3 && s[len - 1 - pad] == '=')
        pad++;
    if (pad > 2 || (pad > 0 && len % 4 != 0) || (len - pad) % 4 == 1)
        return SIZE_MAX;
    return len - pad;
}

bool text_unbase64(const char *s, size_t len, unsigned char **data, size_t *len_out)
{
    len = base64_unpadded(s, len);
    if (len == SIZE_MAX)
        return false;
    unsigned char *out = mem_alloc(len / 4 * 3 + 4);
    size_t at = 0;
    uint32_t v = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(s[i]);
        if (digit < 0) {
            free(out);
            return false;
        }
        v = v << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            out[at++] = (unsigned char)(v >> (6 - i % 4 * 2));
    }
    out[at] = '\0';
    *data = out;
    *len_out = at;
    return true;
}

/* ---- numbers ---- */

bool text_parse_digits(const char *s, size_t len, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(s[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, digit, value))
            return false;
    }
    return len > 0;
}

bool text_parse_int(const char *s, int64_t min, int64_t max, int64_t *value)
{
    const char *digits = s + (*s == '-');
    if (!isdigit((unsigned char)*digits))
        return false;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno != 0 || *end != '\0' || v < min || v > max)
        return false;
    *value = v;
    return true;
}

typedef struct unit {
    const char *name;
    int64_t factor;
} unit;

/* A number of at least 0, optional blanks, and one of the units; the empty unit is the default. */
static bool parse_with_unit(const char *s, const unit *units, int64_t *value)
{
    if (!isdigit((unsigned char)*s))
        return false;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno != 0)
        return false;
    while (*end == ' ')
        end++;
    for (; units->name; units++)
        if (strcmp(end, units->name) == 0)
            return !__builtin_mul_overflow(v, units->factor, value);
    return false;
}

bool text_parse_duration(const char *s, int64_t default_unit_ms, int64_t *ms)
{
    const unit units[] = {{"", default_unit_ms}, {"ms", 1},      {"s", 1000},     {"min", 60000},
                          {"m", 60000},          {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    return parse_with_unit(s, units, ms);
}

bool text_parse_size(const char *s, int64_t *bytes)
{
    static const unit units[] = {{"", 1},         {"B", 1},        {"kB", 1 << 10}, {"KB", 1 << 10},
                                 {"MB", 1 << 20}, {"GB", 1 << 30}, {NULL, 0}};
    return parse_with_unit(s, units, bytes);
}

bool text_parse_bool(const char *s, bool *value)
{
    static const char *const yes[] = {"on", "true", "yes", "1"};
    static const char *const no[] = {"off", "false", "no", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(s, yes[i]) == 0 || strcasecmp(s, no[i]) == 0) {
            *value = strcasecmp(s, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

bool text_equal_secret(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
}
