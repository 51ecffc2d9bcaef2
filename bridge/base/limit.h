/* limit.h - a limit with a name: who reaches it is refused, counted in a metric and named in the
 * log.
 *
 *     unichat_limited_total{limit="messages"} 3
 *     event=limited limit=messages key="player:ada"
 *
 * A flood must not become one of the log: there is a line a minute for each limit and key, and no
 * more than LIMIT_LINES a minute of all.
 */
#ifndef UNICHAT_BASE_LIMIT_H
#define UNICHAT_BASE_LIMIT_H

#include "base/rate.h"

#define LIMIT_LINES 60
#define LIMIT_KEY_SIZE 160 /* the longest key and NUL: a role and a player's id */

typedef struct limit limit;

/* Like a metric it lives as long as the process; the same name again is the same limit. */
limit *limit_get(const char *name) __attribute__((warn_unused_result));

/* Takes one for the key. Returns 0, or the seconds to wait, at least 1; then it has been told. */
unsigned limit_take(limit *l, rate r, const char *key);

/* The same in microseconds. */
uint64_t limit_take_us(limit *l, rate r, const char *key);

/* Takes one also where there is none, for who is to be slowed down. Returns how long to take no
 * other, in microseconds; above 0 it has been told. */
uint64_t limit_charge(limit *l, rate r, const char *key);

/* Gives one back. */
void limit_return(limit *l, rate r, const char *key);

/* For a limit that is not a rate: counts and logs that it was reached. */
void limit_tell(limit *l, const char *key);

#endif
