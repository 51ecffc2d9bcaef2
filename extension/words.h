/*-------------------------------------------------------------------------
 *
 * words.h
 *	  The words of unichat: who writes, what a request's status is, how
 *	  urgent it is; what is a valid value; and how a refusal is reported.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_WORDS_H
#define UNICHAT_WORDS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define UC(n1, n2, n3)	MAKE_SQLSTATE('U', 'C', n1, n2, n3)

#define ERRCODE_UC_MESSAGE_TEXT		UC('0', '0', '1')
#define ERRCODE_UC_PLAYER_ID		UC('0', '0', '2')
#define ERRCODE_UC_SENDER			UC('0', '0', '3')
#define ERRCODE_UC_STATUS			UC('0', '0', '4')
#define ERRCODE_UC_URGENCY			UC('0', '0', '5')
#define ERRCODE_UC_FIELD			UC('0', '0', '6')
#define ERRCODE_UC_NO_REQUEST		UC('0', '1', '0')
#define ERRCODE_UC_TRANSITION		UC('0', '1', '1')
#define ERRCODE_UC_CLAIMED			UC('0', '1', '2')
#define ERRCODE_UC_NOT_OPEN			UC('0', '1', '3')
#define ERRCODE_UC_BLOCKED			UC('0', '1', '4')
#define ERRCODE_UC_CHANGED			UC('0', '1', '5')
#define ERRCODE_UC_PACE				UC('0', '1', '6')
#define ERRCODE_UC_APPEND_ONLY		UC('0', '2', '0')
#define ERRCODE_UC_ASSIGNED			UC('0', '2', '1')
#define ERRCODE_UC_NOBODY			UC('0', '3', '0')
#define ERRCODE_UC_NOT_YOURS		UC('0', '3', '1')

#define MAX_MESSAGE_CHARS	4000
#define MAX_PLAYER_ID_BYTES 128
#define MAX_STAFF_ID_BYTES	128
#define MAX_CLIENT_ID_BYTES 128
#define MAX_NAME_CHARS		200
#define PREVIEW_CHARS		140
#define MAX_SPAN_YEARS		1000

typedef enum sender
{
	SENDER_PLAYER,
	SENDER_STAFF,
	SENDER_SYSTEM
} sender;

typedef enum status
{
	STATUS_WAITING,
	STATUS_IN_PROGRESS,
	STATUS_RESOLVED
} status;

/*
 * The check_ functions raise the field's own error (UC001 to UC006, with the
 * column's name in the error's column field) unless the value is valid.  NULL
 * is a valid value where the parameter says so.
 */
extern sender check_sender(const char *word);
extern status check_status(const char *word);
extern status check_status_in(const char *column, const char *word);
extern void check_urgency(const char *word_or_null);
extern void check_urgency_given(const char *word);
extern void check_player_id(const char *id);
extern void check_message_text(const char *text);
extern void check_id(const char *column, const char *id_or_null, int max_bytes);
extern void check_given(const char *column, bool isnull);

/* Neither null nor negative, nor so long that no time is that far away. */
extern void check_span(const char *column, const Interval *span_or_null);

/* Returns the name; NULL if it is of nothing but blanks, which counts as none. */
extern const char *check_name(const char *name_or_null);

/* One name in SQL and in JSON. */
extern const char *sender_word(sender who);
extern const char *status_word(status what);

/* Two texts, either of which may be NULL. */
extern bool same_text(const char *a, const char *b);

/* The first PREVIEW_CHARS characters, palloc'd. */
extern char *preview_of(const char *text);

#endif							/* UNICHAT_WORDS_H */
