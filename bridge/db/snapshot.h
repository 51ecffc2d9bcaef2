/* snapshot.h - a pg_snapshot as text, and which transactions it sees. Pure.
 *
 * "xmin:xmax:xip,xip,…": everything below xmin has ended, everything from xmax on has not begun,
 * and between the two those listed are still running.
 */
#ifndef UNICHAT_DB_SNAPSHOT_H
#define UNICHAT_DB_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct snapshot snapshot;

/* NULL when the text is not a snapshot. The caller frees with snapshot_free(). */
snapshot *snapshot_parse(const char *text) __attribute__((warn_unused_result));
void snapshot_free(snapshot *s);

/* Lowers xmax, if `xmax` is lower: then it sees less. */
void snapshot_lower(snapshot *s, uint64_t xmax);

/* Lowers it to end right behind an xid, given as text; NULL and "" stand for none at all. What that
 * is good for: intake.c, "Crashes". */
void snapshot_lower_behind(snapshot *s, const char *xid_text);

/* Whether a transaction that has committed is visible in it. */
bool snapshot_sees(const snapshot *s, uint64_t xid);

/* Whether `s` sees every transaction that `other` sees. */
bool snapshot_covers(const snapshot *s, const snapshot *other);

/* As the server writes it. */
const char *snapshot_text(const snapshot *s);

/* The first xid that had not been given out. */
uint64_t snapshot_xmax(const snapshot *s);

/* Reads an xid8; false when it is not one. */
bool snapshot_parse_xid(const char *text, uint64_t *xid) __attribute__((warn_unused_result));

#endif
