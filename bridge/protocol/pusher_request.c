/* pusher_request.c - see pusher_request.h. */
#include "protocol/pusher_request.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "protocol/pusher_sign.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TIMESTAMP_WINDOW 600 /* seconds, as Pusher's own */

static const char *param(const pusher_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_params; i++)
        if (strcmp(r->params[i].name, name) == 0)
            return r->params[i].value;
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcasecmp(((const pusher_param *)a)->name, ((const pusher_param *)b)->name);
}

static void put_lower(buf *out, const char *s)
{
    for (; *s; s++)
        buf_putc(out, (char)tolower((unsigned char)*s));
}

char *pusher_request_text(const char *method, const char *path, const pusher_param *params,
                          size_t n_params)
{
    pusher_param *sorted = mem_array(n_params + 1, sizeof(*sorted));
    const char *separator = "";
    buf out = {0};

    if (n_params)
        memcpy(sorted, params, n_params * sizeof(*sorted));
    qsort(sorted, n_params, sizeof(*sorted), by_name);
    buf_printf(&out, "%s\n%s\n", method, path);
    for (size_t i = 0; i < n_params; i++) {
        if (strcasecmp(sorted[i].name, "auth_signature") == 0)
            continue;
        buf_puts(&out, separator);
        put_lower(&out, sorted[i].name);
        buf_putc(&out, '=');
        buf_puts(&out, sorted[i].value);
        separator = "&";
    }
    free(sorted);
    return buf_take(&out);
}

/* As encodeURIComponent does, segment by segment. */
static char *escape_path(const char *path)
{
    buf out = {0};

    for (; *path; path++) {
        if (isalnum((unsigned char)*path) || strchr("/-_.!~*'()", *path))
            buf_putc(&out, *path);
        else
            buf_printf(&out, "%%%02X", (unsigned char)*path);
    }
    return buf_take(&out);
}

static bool signs(const char *text, const char *secret, const char *signature)
{
    char own_signature[PUSHER_SIGNATURE_SIZE];

    pusher_sign(secret, text, strlen(text), own_signature);
    return text_equal_secret(own_signature, strlen(own_signature), signature, strlen(signature));
}

/* The text as it stands, and with every space a '+', for what was sent as a raw '+'. */
static bool matches(const pusher_request *r, const char *path, const char *secret,
                    const char *signature)
{
    char *text = pusher_request_text(r->method, path, r->params, r->n_params);
    bool ok = signs(text, secret, signature);

    if (!ok && strchr(text, ' ')) {
        for (char *s = text; *s; s++)
            if (*s == ' ')
                *s = '+';
        ok = signs(text, secret, signature);
    }
    free(text);
    return ok;
}

static bool any_spelling_matches(const pusher_request *r, const char *secret, const char *signature)
{
    size_t prefix = strlen(r->prefix);
    const char *bare = strncmp(r->path, r->prefix, prefix) == 0 ? r->path + prefix : r->path;
    char *escaped = escape_path(r->path), *escaped_bare = escape_path(bare);
    bool ok = matches(r, r->path, secret, signature) || matches(r, bare, secret, signature) ||
              matches(r, escaped, secret, signature) || matches(r, escaped_bare, secret, signature);

    free(escaped);
    free(escaped_bare);
    return ok;
}

static char *check_body(const pusher_request *r)
{
    const char *md5 = param(r, "body_md5");
    char real[PUSHER_MD5_SIZE];

    if (!r->body_len && !md5)
        return NULL;
    pusher_md5(r->body, r->body_len, real);
    if (!md5)
        return mem_strdup("body_md5 is missing");
    if (strcmp(md5, real) != 0)
        return mem_printf("Invalid body_md5: the body's is %s", real);
    return NULL;
}

static char *check_time(const pusher_request *r)
{
    const char *text = param(r, "auth_timestamp");
    int64_t timestamp;

    if (!text || !text_parse_int(text, 0, INT64_MAX / 2, &timestamp))
        return mem_strdup("auth_timestamp is missing or no number");
    if (timestamp < r->now - TIMESTAMP_WINDOW || timestamp > r->now + TIMESTAMP_WINDOW)
        return mem_printf("Timestamp expired: Given timestamp (%lld) not within %ds of server "
                          "time (%lld)",
                          (long long)timestamp, TIMESTAMP_WINDOW, (long long)r->now);
    return NULL;
}

static char *check_form(const pusher_request *r, const char *key)
{
    const char *auth_key = param(r, "auth_key"), *version = param(r, "auth_version");

    if (!auth_key || strcmp(auth_key, key) != 0)
        return mem_strdup("auth_key is missing or not this app's");
    if (!version || strcmp(version, "1.0") != 0)
        return mem_strdup("auth_version must be 1.0");
    if (!param(r, "auth_signature"))
        return mem_strdup("auth_signature is missing");
    return NULL;
}

char *pusher_request_check(const pusher_request *r, const char *key, const char *secret)
{
    char *why = check_form(r, key), *text;

    if (!why)
        why = check_time(r);
    if (!why)
        why = check_body(r);
    if (why || any_spelling_matches(r, secret, param(r, "auth_signature")))
        return why;
    text = pusher_request_text(r->method, r->path, r->params, r->n_params);
    why = mem_printf("Invalid signature: you should have sent HmacSHA256Hex(\"%s\", "
                     "your_secret_key), but you sent another",
                     text);
    free(text);
    return why;
}
