/* fields.h - the fields of a JSON body, checked one by one so that an error names the one at fault.
 * Pure.
 *
 * Reading goes on after a mistake as if the field were not there; the first mistake is kept.
 */
#ifndef UNICHAT_API_FIELDS_H
#define UNICHAT_API_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fields {
    json_t *body;
    const char *code;  /* of the first mistake, NULL without one */
    const char *field; /* NULL when the body as a whole is wrong */
    char message[160];
} fields;

/* Parses the text of a body, which must be one JSON object. False: see the mistake. */
bool fields_parse(fields *f, const char *text, size_t len);
void fields_free(fields *f);

/* A string without NULs, of at most `max_bytes`; NULL when it is not there (null counts as not
 * there) or wrong. */
const char *fields_text(fields *f, const char *name, size_t max_bytes);

/* The same, but a mistake when it is not there. */
const char *fields_required_text(fields *f, const char *name, size_t max_bytes);

/* A 64-bit id: a string of digits, or a whole number. Written to `out` in decimal; false when it is
 * not there or wrong. */
bool fields_id(fields *f, const char *name, char out[24]);

/* A whole number of at least `min`; a mistake when it is not there. */
int64_t fields_required_integer(fields *f, const char *name, int64_t min);

/* A boolean; a mistake when it is not there. */
bool fields_required_bool(fields *f, const char *name);

/* Records a mistake, unless there is one already. Always false. */
bool fields_mistake(fields *f, const char *code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
