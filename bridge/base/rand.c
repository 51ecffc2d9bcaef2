/* rand.c - see rand.h. */
#include "base/rand.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void rand_bytes(void *out, size_t len)
{
    unsigned char *p = out;
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

uint64_t rand_below(uint64_t bound)
{
    uint64_t v;
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound; /* above it, the remainder would be uneven */
    do
        rand_bytes(&v, sizeof v);
    while (v >= limit);
    return v % bound;
}

uint64_t rand_jitter(uint64_t ms, unsigned percent)
{
    uint64_t spread = ms * percent / 100;
    return ms - spread + rand_below(2 * spread + 1);
}
