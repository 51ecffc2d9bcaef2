/* json_string.h - the text of JSON strings, looked at sixteen bytes at once. Pure.
 *
 * Every event is read, and most of it is then written once more as a string within a string, which
 * has a quote in every seventh byte. A loop over the bytes was half of what an event cost.
 */
#ifndef UNICHAT_BASE_JSON_STRING_H
#define UNICHAT_BASE_JSON_STRING_H

#include <stddef.h>

/* Bytes before the first that does not stand in a JSON string as it is: `"`, `\` or a control
 * character; `len` if there is none. */
size_t json_string_plain(const char *s, size_t len);

/* What json_string_escape() needs at most, and may write to. */
#define JSON_STRING_ROOM(len) (6 * (len) + 16)

/* Writes the text with those bytes escaped, without quotes around it. Returns what is behind it. */
char *json_string_escape(char *to, const char *s, size_t len);

#endif
