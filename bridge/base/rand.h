/* rand.h - randomness from the kernel. */
#ifndef UNICHAT_BASE_RAND_H
#define UNICHAT_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Fills with bytes fit for secrets. */
void rand_bytes(void *out, size_t len);

/* An even choice from 0 … bound - 1. */
uint64_t rand_below(uint64_t bound);

/* A delay of `ms` give or take `percent` of it, so that many peers do not come back at the same
 * moment. */
uint64_t rand_jitter(uint64_t ms, unsigned percent);

#endif
