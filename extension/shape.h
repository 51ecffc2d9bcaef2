/*-------------------------------------------------------------------------
 *
 * shape.h
 *	  Is a table as CREATE EXTENSION made it?
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_SHAPE_H
#define UNICHAT_SHAPE_H

#include "postgres.h"

#include "utils/relcache.h"

/*
 * May a row of this table, which the caller has open and locked, be written
 * without the executor?  True if nobody else has a say in what is written.
 */
extern bool shape_is_ours(Relation rel);

extern void shape_init(void);

#endif							/* UNICHAT_SHAPE_H */
