/* table.h - uthash with short chains.
 *
 * uthash lets chains grow to ten entries before it makes more buckets. Each entry on the way is a
 * cache miss, and an event looks for several names in tables of thousands: with chains of four at
 * most, finding one is two or three misses. It costs about 40 bytes an entry.
 */
#ifndef UNICHAT_BASE_TABLE_H
#define UNICHAT_BASE_TABLE_H

#include <uthash.h>

#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 4U

#endif
