/*-------------------------------------------------------------------------
 *
 * pending.h
 *	  What a BEFORE ROW trigger has to tell the AFTER ROW trigger of the same
 *	  row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_PENDING_H
#define UNICHAT_PENDING_H

#include "postgres.h"

/*
 * A zeroed note of the given size for the row of the table with this id.
 * pending_text copies a text (or NULL) for use in a note.  Both are freed by
 * this module.
 */
extern void *pending_add(Oid relid, int64 id, Size size);
extern const char *pending_text(const char *text);

/*
 * The note of that row, valid until the next pending_ call, or NULL: this row
 * was not told of, because it is a restored one.
 */
extern void *pending_take(Oid relid, int64 id);

extern void pending_init(void);

#endif							/* UNICHAT_PENDING_H */
