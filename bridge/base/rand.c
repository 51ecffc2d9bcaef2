/* rand.c - see rand.h.
 *
 * Small draws come from a block that is filled at once: a system call each would be felt when
 * thousands connect. What has been handed out is wiped from the block. The process does not fork.
 */
#include "base/rand.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BLOCK 256 /* bytes; getrandom() gives so many at once or none */

static void fill(unsigned char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            log_error("event=no_randomness errno=%d", errno);
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}

void rand_bytes(void *out, size_t len)
{
    static unsigned char block[BLOCK];
    static size_t left;
    if (len > BLOCK) {
        fill(out, len);
        return;
    }
    if (len > left) {
        fill(block, BLOCK);
        left = BLOCK;
    }
    left -= len;
    memcpy(out, block + left, len);
    explicit_bzero(block + left, len);
}

uint64_t rand_below(uint64_t bound)
{
    uint64_t v;
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound; /* above it, the remainder would be uneven */
    do
        rand_bytes(&v, sizeof(v));
    while (v >= limit);
    return v % bound;
}

uint64_t rand_jitter(uint64_t ms, unsigned percent)
{
    uint64_t spread = ms * percent / 100;
    return ms - spread + rand_below(2 * spread + 1);
}
