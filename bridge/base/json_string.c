/* json_string.c - see json_string.h.
 *
 * A block of 16 bytes becomes a mask with a bit for each byte that is special. To copy the bytes
 * between two of them, 16 are always copied, and what is too much is written over by what follows:
 *
 *     {"a":"b"       mask 0101 0001 0...
 *     {\"a":"b"      up to the first special byte, a backslash, and from that byte on again
 *     {\"a\":"b"
 *
 * So reading goes up to 16 bytes beyond the block, which the last 32 bytes of a text are moved for
 * to where there is room.
 */
#include "base/json_string.h"

#include <stdbool.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK 16u

static bool is_special(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* Bit i says whether p[i] is special. */
static inline unsigned special_mask(const char *p)
{
#ifdef __SSE2__
    __m128i block = _mm_loadu_si128((const __m128i *)p);
    __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i backslashes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), controls));
#else
    unsigned mask = 0;

    for (unsigned i = 0; i < BLOCK; i++)
        mask |= (unsigned)is_special(p[i]) << i;
    return mask;
#endif
}

size_t json_string_plain(const char *s, size_t len)
{
    size_t at = 0;

    for (; len - at >= BLOCK; at += BLOCK) {
        unsigned mask = special_mask(s + at);

        if (mask)
            return at + (unsigned)__builtin_ctz(mask);
    }
    while (at < len && !is_special(s[at]))
        at++;
    return at;
}

/* \n, \u001f and the like. */
static char *put_control(char *to, unsigned char c)
{
    static const char controls[] = "\b\f\n\r\t", letters[] = "bfnrt", digits[] = "0123456789abcdef";
    const char *control = c ? strchr(controls, c) : NULL;

    *to++ = '\\';
    if (control) {
        *to++ = letters[control - controls];
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = digits[c >> 4];
    to[4] = digits[c & 15];
    return to + 5;
}

/* The first `len` bytes of a block, whose special ones `mask` says. 2 * BLOCK can be read. */
static inline char *escape_block(char *to, const char *p, unsigned len, unsigned mask)
{
    unsigned done = 0;

    for (; mask; mask &= mask - 1) {
        unsigned at = (unsigned)__builtin_ctz(mask);

        memcpy(to, p + done, BLOCK);
        to += at - done;
        done = at;
        if ((unsigned char)p[at] < 0x20) {
            to = put_control(to, (unsigned char)p[at]);
            done++;
        } else {
            *to++ = '\\';
        }
    }
    memcpy(to, p + done, BLOCK);
    return to + (len - done);
}

char *json_string_escape(char *to, const char *s, size_t len)
{
    char end[3 * BLOCK];

    for (; len >= 2 * BLOCK; s += BLOCK, len -= BLOCK)
        to = escape_block(to, s, BLOCK, special_mask(s));
    memset(end, ' ', sizeof(end));
    memcpy(end, s, len);
    s = end;
    if (len >= BLOCK) {
        to = escape_block(to, s, BLOCK, special_mask(s));
        s += BLOCK;
        len -= BLOCK;
    }
    return escape_block(to, s, (unsigned)len, special_mask(s));
}
