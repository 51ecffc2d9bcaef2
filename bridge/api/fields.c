/* fields.c - see fields.h. */
#include "api/fields.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fields_mistake(fields *f, const char *code, const char *field, const char *fmt, ...)
{
    va_list args;
    if (f->code)
        return false;
    f->code = code;
    f->field = field;
    va_start(args, fmt);
    vsnprintf(f->message, sizeof(f->message), fmt, args);
    va_end(args);
    return false;
}

bool fields_parse(fields *f, const char *text, size_t len)
{
    json_error_t error;
    *f = (fields){0};
    if (!text_utf8_valid(text, len))
        return fields_mistake(f, "invalid_json", NULL, "the body is not valid UTF-8");
    f->body = json_loadb(text, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (!f->body)
        return fields_mistake(f, "invalid_json", NULL, "the body is not JSON: line %d, column %d",
                              error.line, error.column);
    if (!json_is_object(f->body))
        return fields_mistake(f, "invalid_json", NULL, "the body is not a JSON object");
    return true;
}

void fields_free(fields *f)
{
    json_decref(f->body);
    *f = (fields){0};
}

/* NULL for what is not there. */
static const json_t *lookup(const fields *f, const char *name)
{
    const json_t *value = json_object_get(f->body, name);
    return json_is_null(value) ? NULL : value;
}

const char *fields_text(fields *f, const char *name, size_t max_bytes)
{
    const json_t *value = lookup(f, name);
    const char *text = json_string_value(value);
    if (!value)
        return NULL;
    if (!text)
        fields_mistake(f, "invalid_field", name, "%s must be a string", name);
    else if (strlen(text) != json_string_length(value))
        fields_mistake(f, "invalid_field", name, "%s must not have the character NUL", name);
    else if (json_string_length(value) > max_bytes)
        fields_mistake(f, "invalid_field", name, "%s is longer than %zu bytes", name, max_bytes);
    else
        return text;
    return NULL;
}

const char *fields_required_text(fields *f, const char *name, size_t max_bytes)
{
    if (!lookup(f, name))
        fields_mistake(f, "missing_field", name, "%s is needed", name);
    return fields_text(f, name, max_bytes);
}

bool fields_id(fields *f, const char *name, char out[24])
{
    const json_t *value = lookup(f, name);
    int64_t id = 0;
    if (!value)
        return false;
    if (json_is_integer(value))
        id = json_integer_value(value);
    else if (json_is_string(value) && !text_parse_int(json_string_value(value), 1, INT64_MAX, &id))
        id = 0;
    if (id < 1)
        return fields_mistake(f, "invalid_field", name, "%s is not an id", name);
    snprintf(out, 24, "%lld", (long long)id);
    return true;
}

bool fields_required_bool(fields *f, const char *name)
{
    const json_t *value = lookup(f, name);
    if (!value)
        return fields_mistake(f, "missing_field", name, "%s is needed", name);
    if (!json_is_boolean(value))
        return fields_mistake(f, "invalid_field", name, "%s must be true or false", name);
    return json_is_true(value);
}

int64_t fields_required_integer(fields *f, const char *name, int64_t min)
{
    const json_t *value = lookup(f, name);
    if (!value)
        fields_mistake(f, "missing_field", name, "%s is needed", name);
    else if (!json_is_integer(value) || json_integer_value(value) < min)
        fields_mistake(f, "invalid_field", name, "%s must be a whole number, %lld or more", name,
                       (long long)min);
    else
        return json_integer_value(value);
    return min;
}
