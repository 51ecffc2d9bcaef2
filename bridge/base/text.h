/* text.h - UTF-8, hex, base64 and strict parsing of numbers and durations. Pure. */
#ifndef UNICHAT_BASE_TEXT_H
#define UNICHAT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when it is valid UTF-8: shortest form, no surrogates, up to U+10FFFF. */
bool text_utf8_valid(const char *s, size_t len);

/* Characters (code points) of valid UTF-8. */
size_t text_utf8_count(const char *s, size_t len);

/* Bytes of the first `max_chars` characters of valid UTF-8. */
size_t text_utf8_prefix(const char *s, size_t len, size_t max_chars);

/* Lower-case hex with a NUL; `out` has 2 * len + 1 bytes. */
void text_hex(char *out, const void *data, size_t len);

/* The value of a hex digit, -1 when it is none. */
int text_hex_digit(char c);

/* Base64 in the URL alphabet without padding. The caller frees. */
char *text_base64url(const void *data, size_t len) __attribute__((warn_unused_result));

/* Decodes either alphabet; padding may be missing but not wrong. On success the caller frees
 * `*data` (which has a NUL behind its `*len` bytes); on error nothing is allocated. */
bool text_unbase64(const char *s, size_t len, unsigned char **data, size_t *len_out)
    __attribute__((warn_unused_result));

/* Decimal digits, all `len` bytes of them; false for none, or when they are more than fits. */
bool text_parse_digits(const char *s, size_t len, uint64_t *value)
    __attribute__((warn_unused_result));

/* A whole decimal number and nothing else, within [min, max]. */
bool text_parse_int(const char *s, int64_t min, int64_t max, int64_t *value)
    __attribute__((warn_unused_result));

/* A duration: a whole number and a unit (us is not offered; ms, s, min, h, d), as PostgreSQL writes
 * them. A bare number is of `default_unit_ms` milliseconds. */
bool text_parse_duration(const char *s, int64_t default_unit_ms, int64_t *ms)
    __attribute__((warn_unused_result));

/* A size: a whole number and B, kB, MB or GB (powers of 1024). A bare number is of bytes. */
bool text_parse_size(const char *s, int64_t *bytes) __attribute__((warn_unused_result));

/* on, off, true, false, yes, no, 1, 0. */
bool text_parse_bool(const char *s, bool *value) __attribute__((warn_unused_result));

/* Equal, in a time that depends on the lengths alone. */
bool text_equal_secret(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
