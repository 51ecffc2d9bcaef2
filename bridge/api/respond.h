/* respond.h - bodies in and rows out, as the handlers need them. */
#ifndef UNICHAT_API_RESPOND_H
#define UNICHAT_API_RESPOND_H

#include "api/fields.h"
#include "server/http.h"

#include <libpq-fe.h>

/* Reads the JSON body. False after 415 or 400 was answered; else the handler frees with
 * fields_free(). */
bool body_read(http_request *req, fields *f) __attribute__((warn_unused_result));

/* True when the fields had no mistake; else 400 was answered. */
bool body_is_fine(http_request *req, const fields *f) __attribute__((warn_unused_result));

/* A whole number of the query; `fallback` where it is not there. False after 400 was answered. */
bool query_integer(http_request *req, const char *name, int64_t min, int64_t max, int64_t fallback,
                   int64_t *value) __attribute__((warn_unused_result));

/* 503 with Retry-After. */
void respond_unavailable(http_request *req);

/* How a column becomes a member. */
typedef enum member_type {
    MEMBER_TEXT,
    MEMBER_ID,     /* a 64-bit number as a string */
    MEMBER_NUMBER, /* a whole number */
    MEMBER_REAL,
    MEMBER_BOOL,
    MEMBER_TIME, /* timestamptz, in a session with TimeZone UTC and DateStyle ISO */
} member_type;

typedef struct member {
    const char *name;
    const char *column;
    member_type type;
} member;

/* One row as an object with the members of the list (ended by a NULL name) whose columns the row
 * has. */
json_t *row_object(const PGresult *rows, int row, const member *members);

/* "2026-01-31 12:00:00.5+00" as 2026-01-31T12:00:00.500000Z. False when it is not such a time. */
bool time_to_rfc3339(const char *text, char out[28]);

#endif
