/* hash_table.h - uthash, with a hash that clients cannot find collisions for: their names and ids
 * are the keys (map.h). */
#ifndef UNICHAT_BASE_HASH_TABLE_H
#define UNICHAT_BASE_HASH_TABLE_H

#include "base/map.h"

#include <uthash.h>

#undef HASH_FUNCTION
#define HASH_FUNCTION(key, len, hashv) ((hashv) = (unsigned)map_hash((key), (len)))

#endif
