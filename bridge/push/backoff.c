/* backoff.c - exponential pauses with jitter. */
#include "push/backoff.h"

#include "base/rand.h"

#define JITTER_PERCENT 50

int64_t backoff_ms(int failures, int64_t base_ms, int64_t max_ms, int64_t retry_after_ms)
{
    int64_t pause = base_ms;

    for (int i = 1; i < failures && pause < max_ms; i++)
        pause *= 2;
    if (pause > max_ms)
        pause = max_ms;
    pause = (int64_t)rand_jitter((uint64_t)pause, JITTER_PERCENT);
    return pause > retry_after_ms ? pause : retry_after_ms;
}
