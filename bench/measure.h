/*
 * measure.h - the clock, what a process has used, percentiles, and an end with words; for the
 * benches.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Prints the line to stderr and exits with 1. A bench has nothing to rescue. */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* CLOCK_MONOTONIC in nanoseconds; the same clock in every process of the machine. */
int64_t now_ns(void);

/* Nanoseconds on a CPU, all threads, user and kernel; from the scheduler, so exact where
 * /proc/PID/stat counts ticks. */
int64_t process_cpu_ns(pid_t pid);

/* Bytes that a process holds for itself (Pss_Anon: heap and stacks, without shared code). */
int64_t process_memory(pid_t pid);

/* Sorts the samples and returns the value below which the share p (0 to 1) of them lies; 0 of none.
 */
double percentile(double *samples, size_t count, double p);

/* As many file descriptors as the kernel lets us have. Returns how many. */
size_t raise_fd_limit(void);

#endif
