/* siphash.c - see siphash.h. */
#include "base/siphash.h"

#include <endian.h>
#include <string.h>

typedef struct state {
    uint64_t v0, v1, v2, v3;
} state;

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void mix(state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline void take_word(state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s);
    s->v0 ^= word;
}

/* Up to eight bytes as a number, the first one lowest. */
static inline uint64_t load(const unsigned char *p, size_t len)
{
    uint64_t word = 0;

    memcpy(&word, p, len);
    return le64toh(word);
}

uint64_t siphash(const uint64_t key[2], const void *data, size_t len)
{
    const unsigned char *p = data, *end = p + len / 8 * 8;
    state s = {
        .v0 = key[0] ^ UINT64_C(0x736f6d6570736575),
        .v1 = key[1] ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key[0] ^ UINT64_C(0x6c7967656e657261),
        .v3 = key[1] ^ UINT64_C(0x7465646279746573),
    };

    for (; p < end; p += 8)
        take_word(&s, load(p, 8));
    take_word(&s, load(p, len % 8) | (uint64_t)len << 56);
    s.v2 ^= 0xff;
    mix(&s);
    mix(&s);
    mix(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
