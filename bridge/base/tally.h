/* tally.h - how many of something there are by key, and whether one more may come. Pure.
 *
 * A key is in the table while it counts something, so the table is no larger than what it counts.
 */
#ifndef UNICHAT_BASE_TALLY_H
#define UNICHAT_BASE_TALLY_H

#include <stdint.h>

typedef struct tally tally;
typedef struct tally_entry tally_entry;

tally *tally_new(void) __attribute__((warn_unused_result));

/* Every entry must have been left. */
void tally_free(tally *t);

/* Counts one more. NULL when there are `max` of the key already (0: no limit); else its entry, for
 * tally_leave(). */
tally_entry *tally_enter(tally *t, const char *key, int64_t max)
    __attribute__((warn_unused_result));

/* Counts one less; NULL does nothing. */
void tally_leave(tally *t, tally_entry *e);

const char *tally_key(const tally_entry *e);

#endif
