/*-------------------------------------------------------------------------
 *
 * words.c
 *	  What is a valid value, and how an invalid one is refused.
 *
 * Every refusal has an SQLSTATE of its own (docs/sql.md lists them), names the
 * column in the error's column field, so that a program need not read prose,
 * and tells a person what is allowed.  Values are limited in characters where
 * people read them and in bytes where they are keys of an index.
 *
 * A NUL byte cannot reach us: PostgreSQL's text has no way to hold one, and
 * refuses it where it enters (invalid byte sequence 0x00, SQLSTATE 22021).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "words.h"

static const char *const sender_words[] = {"player", "staff", "system"};
static const char *const status_words[] = {"waiting", "in_progress", "resolved"};
static const char *const urgency_words[] = {"low", "normal", "high", "urgent"};

const char *
sender_word(sender who)
{
	return sender_words[who];
}

const char *
status_word(status what)
{
	return status_words[what];
}

/* Index of word in words, -1 if it is none of them. */
static int
find_word(const char *const *words, int n, const char *word)
{
	for (int i = 0; word != NULL && i < n; i++)
	{
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return -1;
}

/* How a value that may be anything is shown in an error: bounded. */
static const char *
shown(const char *value)
{
	int			len = strlen(value);

	return pnstrdup(value, pg_mbcliplen(value, len, 64));
}

static void
refuse_word(int code, const char *column, const char *word, const char *hint)
{
	ereport(ERROR,
			(errcode(code),
			 word ? errmsg("invalid %s \"%s\"", column, shown(word))
			 : errmsg("%s must not be null", column),
			 errhint("%s", hint),
			 err_generic_string(PG_DIAG_COLUMN_NAME, column)));
}

sender
check_sender(const char *word)
{
	int			i = find_word(sender_words, lengthof(sender_words), word);

	if (i < 0)
		refuse_word(ERRCODE_UC_SENDER, "sender", word, "Use player, staff or system.");
	return (sender) i;
}

status
check_status_in(const char *column, const char *word)
{
	int			i = find_word(status_words, lengthof(status_words), word);

	if (i < 0)
		refuse_word(ERRCODE_UC_STATUS, column, word, "Use waiting, in_progress or resolved.");
	return (status) i;
}

status
check_status(const char *word)
{
	return check_status_in("status", word);
}

void
check_urgency_given(const char *word)
{
	if (find_word(urgency_words, lengthof(urgency_words), word) < 0)
		refuse_word(ERRCODE_UC_URGENCY, "urgency", word, "Use low, normal, high or urgent.");
}

void
check_urgency(const char *word)
{
	if (word != NULL)
		check_urgency_given(word);
}

void
check_player_id(const char *id)
{
	size_t		len = id ? strlen(id) : 0;

	if (id == NULL || len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UC_PLAYER_ID),
				 errmsg("player_id must not be empty"),
				 errhint("It is the application's own id of the player."),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "player_id")));
	if (len > MAX_PLAYER_ID_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_UC_PLAYER_ID),
				 errmsg("player_id is too long"),
				 errdetail("It has %zu bytes; at most %d are allowed.", len, MAX_PLAYER_ID_BYTES),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "player_id")));
}

/*
 * Is this character invisible?  White_Space of Unicode, and what has no width
 * at all or looks like a space: a message of nothing else says nothing.
 */
static bool
is_blank(pg_wchar c)
{
	if (c <= 0x20 || (c >= 0x7f && c <= 0xa0))
		return true;
	switch (c)
	{
		case 0x00ad:			/* soft hyphen */
		case 0x034f:			/* combining grapheme joiner */
		case 0x061c:			/* Arabic letter mark */
		case 0x115f:			/* Hangul fillers */
		case 0x1160:
		case 0x1680:			/* Ogham space */
		case 0x180e:			/* Mongolian vowel separator */
		case 0x2028:			/* line, paragraph separator */
		case 0x2029:
		case 0x202f:			/* narrow no-break space */
		case 0x205f:			/* medium mathematical space */
		case 0x2800:			/* Braille blank */
		case 0x3000:			/* ideographic space */
		case 0x3164:			/* Hangul filler */
		case 0xfeff:			/* byte order mark */
		case 0xffa0:			/* halfwidth Hangul filler */
			return true;
	}
	return (c >= 0x2000 && c <= 0x200f) ||	/* spaces, zero width, marks */
		(c >= 0x202a && c <= 0x202e) || /* bidirectional controls */
		(c >= 0x2060 && c <= 0x206f);	/* word joiner and the like */
}

/*
 * Outside of UTF-8 only ASCII blanks are known.
 */
static bool
is_blank_text(const char *text)
{
	bool		utf8 = GetDatabaseEncoding() == PG_UTF8;

	while (*text)
	{
		const unsigned char *c = (const unsigned char *) text;

		if (!is_blank(utf8 ? utf8_to_unicode(c) : *c < 0x80 ? *c : 'x'))
			return false;
		text += pg_mblen(text);
	}
	return true;
}

void
check_message_text(const char *text)
{
	int			chars;

	if (text == NULL || is_blank_text(text))
		ereport(ERROR,
				(errcode(ERRCODE_UC_MESSAGE_TEXT),
				 errmsg("message_text must not be empty"),
				 errdetail("It is null, empty, or of nothing but blanks."),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "message_text")));
	chars = pg_mbstrlen(text);
	if (chars > MAX_MESSAGE_CHARS)
		ereport(ERROR,
				(errcode(ERRCODE_UC_MESSAGE_TEXT),
				 errmsg("message_text is too long"),
				 errdetail("It has %d characters; at most %d are allowed.", chars, MAX_MESSAGE_CHARS),
				 errhint("Send it as several messages."),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "message_text")));
}

const char *
check_name(const char *name)
{
	if (name != NULL && pg_mbstrlen(name) > MAX_NAME_CHARS)
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg("player_name is too long"),
				 errdetail("At most %d characters are allowed.", MAX_NAME_CHARS),
				 err_generic_string(PG_DIAG_COLUMN_NAME, "player_name")));
	return name != NULL && is_blank_text(name) ? NULL : name;
}

void
check_id(const char *column, const char *id, int max_bytes)
{
	if (id != NULL && (*id == '\0' || strlen(id) > max_bytes))
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg(*id ? "%s is too long" : "%s must not be empty", column),
				 errdetail("It must be null or of 1 to %d bytes.", max_bytes),
				 err_generic_string(PG_DIAG_COLUMN_NAME, column)));
}

void
check_given(const char *column, bool isnull)
{
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg("%s must not be null", column),
				 err_generic_string(PG_DIAG_COLUMN_NAME, column)));
}

static int
compare_spans(const Interval *a, const Interval *b)
{
	return DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(a), IntervalPGetDatum(b)));
}

void
check_span(const char *column, const Interval *span)
{
	static const Interval none = {0};
	static const Interval longest = {.month = MAX_SPAN_YEARS * MONTHS_PER_YEAR};
	bool		negative;

	check_given(column, span == NULL);
	negative = compare_spans(span, &none) < 0;
	if (negative || compare_spans(span, &longest) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_UC_FIELD),
				 errmsg(negative ? "%s must not be negative" : "%s is too long", column),
				 errdetail("It is an interval of at most %d years.", MAX_SPAN_YEARS),
				 err_generic_string(PG_DIAG_COLUMN_NAME, column)));
}

bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

char *
preview_of(const char *text)
{
	return pnstrdup(text, pg_mbcharcliplen(text, strlen(text), PREVIEW_CHARS));
}
