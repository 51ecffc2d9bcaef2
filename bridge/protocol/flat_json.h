/*
 * flat_json.h - reads a JSON object that nests nothing, member by member, in one pass and without
 * allocating.
 *
 * That is what the database's notifications are, and every delivery begins with one. Strict: no
 * blanks between tokens, no escapes in keys, integers only. What was read to its end is
 * well-formed, and may be handed on as it is.
 */
#ifndef UNICHAT_PROTOCOL_FLAT_JSON_H
#define UNICHAT_PROTOCOL_FLAT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct flat_json {
    const char *start, *at, *end;
    bool whole; /* read to its end, and well-formed */
} flat_json;

/* One member, as it is written. */
typedef struct flat_member {
    const char *start; /* from the comma before it, where there is one */
    const char *key;   /* without its quotes */
    const char *value; /* with its quotes, if it is a string */
    size_t len, key_len, value_len;
} flat_member;

/* The text must be valid UTF-8 and outlive the reader. */
void flat_json_open(flat_json *j, const char *text, size_t len);

/* The next member. False after the last one, when j->whole is true, and at a mistake, when it is
 * not. */
bool flat_json_next(flat_json *j, flat_member *m);

/* In the header, so that a constant key costs a comparison of numbers. */
static inline bool flat_member_is(const flat_member *m, const char *key)
{
    return m->key_len == strlen(key) && memcmp(m->key, key, m->key_len) == 0;
}

/*
 * Decodes a string into out, which has m->value_len bytes, with a NUL at its end. Returns the bytes
 * before that, or -1 if it is no string, or has a NUL or half a surrogate pair in it.
 */
int64_t flat_member_text(const flat_member *m, char *out);

/* Reads an integer; false if it is none. */
bool flat_member_int(const flat_member *m, int64_t *value);

#endif
