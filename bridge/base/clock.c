/* clock.c - see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

int64_t clock_unix_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_unix_seconds(void)
{
    return clock_unix_us() / 1000000;
}

/* The date and the second; returns the length. */
static size_t put_seconds(char out[CLOCK_RFC3339_SIZE], int64_t unix_us)
{
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return strftime(out, CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
}

void clock_rfc3339_ms(char out[CLOCK_RFC3339_SIZE], int64_t unix_us)
{
    size_t at = put_seconds(out, unix_us);
    snprintf(out + at, CLOCK_RFC3339_SIZE - at, ".%03dZ", (int)(unix_us / 1000 % 1000));
}

void clock_rfc3339_us(char out[CLOCK_RFC3339_SIZE], int64_t unix_us)
{
    size_t at = put_seconds(out, unix_us);
    snprintf(out + at, CLOCK_RFC3339_SIZE - at, ".%06dZ", (int)(unix_us % 1000000));
}
