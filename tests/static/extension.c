/*
 * Mistakes for cppcheck to find, and none that it must not see, in code that
 * is written like extension/.  scripts/static-checks.sh
 */
#include "postgres.h"

#include "fmgr.h"

PG_FUNCTION_INFO_V1(planted);

static int64
beyond(void)
{
	int64	   *a = palloc_array(int64, 4);

	a[4] = 1;					/* found: arrayIndexOutOfBounds */
	return a[0];
}

static void
misfit(int64 n)
{
	ereport(ERROR, (errcode(1), errmsg("number %d", n)));	/* found: invalidPrintfArgType_sint */
}

static int
after_warning(const char *text)
{
	if (text == NULL)
		elog(WARNING, "no text");
	return *text;				/* found: nullPointerRedundantCheck */
}

static int
after_error(const char *text)
{
	if (text == NULL)
		elog(ERROR, "no text");
	return *text;				/* never NULL */
}

Datum
planted(PG_FUNCTION_ARGS)
{
	const char *text = fcinfo ? "x" : NULL;

	if (after_warning(text) == after_error(text))
		misfit(beyond());
	PG_RETURN_VOID();
}
