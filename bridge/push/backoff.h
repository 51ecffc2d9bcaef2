/* backoff.h - how long to wait before the next attempt. Pure but for the jitter. */
#ifndef UNICHAT_PUSH_BACKOFF_H
#define UNICHAT_PUSH_BACKOFF_H

#include <stdint.h>

/* After `failures` attempts that failed (at least 1): base_ms, doubled for each but the first, at
 * most max_ms, give or take half of it; and never less than the other side asked for
 * (retry_after_ms; negative: it did not ask). */
int64_t backoff_ms(int failures, int64_t base_ms, int64_t max_ms, int64_t retry_after_ms);

#endif
