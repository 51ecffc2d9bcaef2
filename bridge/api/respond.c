/* respond.c - see respond.h. */
#include "api/respond.h"
#include "base/text.h"
#include "db/pool.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool body_read(http_request *req, fields *f)
{
    size_t len;
    const char *text = http_body(req, &len);
    if (!http_content_is(req, "application/json")) {
        http_respond_error(req, 415, "unsupported_media_type", NULL,
                           "the body must be application/json");
        return false;
    }
    if (fields_parse(f, text, len))
        return true;
    http_respond_error(req, 400, f->code, f->field, "%s", f->message);
    fields_free(f);
    return false;
}

bool body_is_fine(http_request *req, const fields *f)
{
    if (!f->code)
        return true;
    http_respond_error(req, 400, f->code, f->field, "%s", f->message);
    return false;
}

bool query_integer(http_request *req, const char *name, int64_t min, int64_t max, int64_t fallback,
                   int64_t *value)
{
    const char *text = http_query(req, name);
    *value = fallback;
    if (!text || text_parse_int(text, min, max, value))
        return true;
    http_respond_error(req, 400, "invalid_query", name, "%s must be a whole number from %lld on",
                       name, (long long)min);
    return false;
}

bool time_to_rfc3339(const char *text, char out[28])
{
    int at = 0;
    char fraction[7] = "000000";
    if (strlen(text) < 22 || text[10] != ' ')
        return false;
    const char *rest = text + 19;
    if (*rest == '.')
        for (rest++; isdigit((unsigned char)*rest) && at < 6; rest++)
            fraction[at++] = *rest;
    if (strcmp(rest, "+00") != 0)
        return false;
    snprintf(out, 28, "%.10sT%.8s.%sZ", text, text + 11, fraction);
    return true;
}

static json_t *member_value(member_type type, const char *text)
{
    char time[28];
    if (!text)
        return json_null();
    switch (type) {
    case MEMBER_NUMBER:
        return json_integer(strtoll(text, NULL, 10));
    case MEMBER_REAL:
        return json_real(strtod(text, NULL));
    case MEMBER_BOOL:
        return json_boolean(*text == 't');
    case MEMBER_TIME:
        return json_string(time_to_rfc3339(text, time) ? time : text);
    default:
        return json_string(text);
    }
}

json_t *row_object(const PGresult *rows, int row, const member *members)
{
    json_t *object = json_object();
    for (const member *m = members; m->name; m++)
        if (PQfnumber(rows, m->column) >= 0)
            json_object_set_new(object, m->name,
                                member_value(m->type, db_text(rows, row, m->column)));
    return object;
}
