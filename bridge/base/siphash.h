/* siphash.h - SipHash-1-3 (Aumasson and Bernstein): a fast hash that nobody without the key can
 * find collisions for. Pure. */
#ifndef UNICHAT_BASE_SIPHASH_H
#define UNICHAT_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *data, size_t len);

#endif
