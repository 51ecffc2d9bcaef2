/* sql_error.c - see sql_error.h. The one place that knows which SQLSTATE is which HTTP status. */
#include "api/sql_error.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *sqlstate;
    int status;
    const char *code;
    const char *field; /* unless the error names a column */
} table[] = {
    {"UC001", 400, "invalid_field", "message"}, {"UC002", 400, "invalid_field", "playerId"},
    {"UC003", 400, "invalid_field", "sender"},  {"UC004", 400, "invalid_field", "status"},
    {"UC005", 400, "invalid_field", "urgency"}, {"UC006", 400, "invalid_field", NULL},
    {"UC010", 404, "not_found", NULL},          {"UC011", 409, "not_allowed", NULL},
    {"UC012", 409, "claimed_by_other", NULL},   {"UC013", 409, "no_open_request", NULL},
    {"UC014", 403, "player_blocked", NULL},     {"UC015", 409, "status_changed", NULL},
    {"UC016", 429, "rate_limited", NULL},
};

static const struct {
    const char *column;
    const char *field;
} fields[] = {
    {"message_text", "message"},
    {"player_id", "playerId"},
    {"player_name", "playerName"},
    {"client_message_id", "clientMessageId"},
    {"request_id", "requestId"},
    {"sender_id", "senderId"},
    {"seq", "seq"},
    {"expected", "expected"},
    {"actor", "actor"},
};

static const char *field_of_column(const char *column, const char *otherwise)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strcmp(fields[i].column, column) == 0)
            return fields[i].field;
    return otherwise;
}

/* DETAIL is `Try again in SECONDS s.` */
static unsigned read_seconds(const char *detail)
{
    unsigned long seconds = strtoul(detail + strcspn(detail, "0123456789"), NULL, 10);
    return seconds > 0 && seconds < UINT_MAX ? (unsigned)seconds : 1;
}

/* DETAIL is `It is assigned to "OWNER".` */
static void read_owner(const char *detail, char owner[129])
{
    const char *from = strchr(detail, '"');
    const char *to = strrchr(detail, '"');
    if (from && to > from)
        snprintf(owner, 129, "%.*s", (int)(to - from - 1), from + 1);
}

void api_error_of_sql(const db_error *error, api_error *out)
{
    *out = (api_error){.status = 500, .code = "internal_error", .message = "something went wrong"};
    if (db_error_is_transient(error)) {
        out->status = 503;
        out->code = "database_unavailable";
        out->message = "the database cannot answer now; try again";
        return;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].sqlstate, error->sqlstate) != 0)
            continue;
        out->status = table[i].status;
        out->code = table[i].code;
        out->message = error->message;
        out->field = field_of_column(error->column, table[i].field);
        if (strcmp(table[i].code, "claimed_by_other") == 0)
            read_owner(error->detail, out->owner);
        if (out->status == 429)
            out->retry_after = read_seconds(error->detail);
    }
}
