/* json_slice.h - where a member of a JSON object stands in its text, so that it can be passed on as
 * it was written: number precision, key order and white space are the sender's. Pure.
 */
#ifndef UNICHAT_PROTOCOL_JSON_SLICE_H
#define UNICHAT_PROTOCOL_JSON_SLICE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds the value of the top-level member `key` in a text that a JSON parser has accepted as an
 * object. On success *start and *len are its text, without the white space around it. False if
 * there is none, or if the key is written with escapes.
 */
bool json_slice(const char *text, size_t text_len, const char *key, const char **start,
                size_t *len);

#endif
