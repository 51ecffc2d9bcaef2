/*-------------------------------------------------------------------------
 *
 * args.h
 *	  Arguments of the SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_ARGS_H
#define UNICHAT_ARGS_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

/* Argument n, NULL for null. */
static inline const char *
arg_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* Argument n, 0 for null. */
static inline int64
arg_int8(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? 0 : PG_GETARG_INT64(n);
}

#endif							/* UNICHAT_ARGS_H */
