/* sql_error.h - an error of the database as an error of the HTTP API. Pure. */
#ifndef UNICHAT_API_SQL_ERROR_H
#define UNICHAT_API_SQL_ERROR_H

#include "db/pool.h"

typedef struct api_error {
    int status;
    const char *code;
    const char *field;    /* NULL where none is at fault */
    const char *message;  /* points into the database's error, or is constant */
    char owner[129];      /* of claimed_by_other, else "" */
    unsigned retry_after; /* seconds, of rate_limited, else 0 */
} api_error;

/* Translates; what is not foreseen is 500 internal_error without the database's words. */
void api_error_of_sql(const db_error *error, api_error *out);

#endif
