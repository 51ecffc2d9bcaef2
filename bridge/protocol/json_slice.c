/* json_slice.c - see json_slice.h. */
#include "protocol/json_slice.h"

#include <string.h>

typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_space(cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
        c->at++;
}

/* From the opening quote to behind the closing one. */
static void skip_string(cursor *c)
{
    for (c->at++; c->at < c->end && *c->at != '"'; c->at++)
        if (*c->at == '\\')
            c->at++;
    if (c->at < c->end)
        c->at++;
    else
        c->at = c->end;
}

/* Behind a value of any type: to the comma or brace that ends it, outside of strings and of what it
 * nests. */
static void skip_value(cursor *c)
{
    int depth = 0;

    while (c->at < c->end) {
        char ch = *c->at;

        if (ch == '"') {
            skip_string(c);
            continue;
        }
        if (depth == 0 && (ch == ',' || ch == '}' || ch == ']'))
            return;
        if (ch == '{' || ch == '[')
            depth++;
        else if (ch == '}' || ch == ']')
            depth--;
        c->at++;
    }
}

static bool key_is(const char *quoted, size_t quoted_len, const char *key)
{
    size_t len = strlen(key);

    return quoted_len == len + 2 && memcmp(quoted + 1, key, len) == 0;
}

bool json_slice(const char *text, size_t text_len, const char *key, const char **start, size_t *len)
{
    cursor c = {text, text + text_len};

    skip_space(&c);
    while (c.at < c.end && (*c.at == '{' || *c.at == ',')) {
        const char *quoted;
        size_t quoted_len;

        c.at++;
        skip_space(&c);
        if (c.at >= c.end || *c.at != '"')
            return false;
        quoted = c.at;
        skip_string(&c);
        quoted_len = (size_t)(c.at - quoted);
        skip_space(&c);
        if (c.at >= c.end || *c.at != ':')
            return false;
        c.at++;
        skip_space(&c);
        *start = c.at;
        skip_value(&c);
        *len = (size_t)(c.at - *start);
        while (*len > 0 && strchr(" \t\r\n", (*start)[*len - 1]))
            (*len)--;
        if (key_is(quoted, quoted_len, key))
            return *len > 0;
    }
    return false;
}
