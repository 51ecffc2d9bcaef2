/*-------------------------------------------------------------------------
 *
 * names.h
 *	  Our tables, indexes and sequences, by name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_NAMES_H
#define UNICHAT_NAMES_H

#include "postgres.h"

/* The relation of that name, a literal, in the extension's schema.  An error if it is missing. */
extern Oid	names_find(Oid schema, const char *name);

extern void names_init(void);

#endif							/* UNICHAT_NAMES_H */
