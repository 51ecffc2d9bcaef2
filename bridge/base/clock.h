/* clock.h - the two clocks and how times are written.
 *
 * Deadlines and durations use the monotonic clock; within the loop prefer uv_now(), which is read
 * once per turn. The wall clock is for what leaves the process: logs, token lifetimes, headers.
 */
#ifndef UNICHAT_BASE_CLOCK_H
#define UNICHAT_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_RFC3339_SIZE 28 /* 2026-01-31T12:00:00.123456Z and NUL */

/* Never goes back; has no relation to the time of day. */
uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void);

/* Time of day since 1970-01-01 UTC. */
int64_t clock_unix_us(void);
int64_t clock_unix_seconds(void);

/* Writes a time in UTC with milliseconds or microseconds. */
void clock_rfc3339_ms(char out[CLOCK_RFC3339_SIZE], int64_t unix_us);
void clock_rfc3339_us(char out[CLOCK_RFC3339_SIZE], int64_t unix_us);

#endif
