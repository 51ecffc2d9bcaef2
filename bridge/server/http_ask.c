/*
 * http_ask.c - what handlers ask of a request: its path, parameters, headers, cookies, form and
 * body, and where it comes from (http.h). A form or a cookie is read when it is first asked for,
 * and kept.
 */
#include "server/http_request.h"

#include "base/mem.h"
#include "base/text.h"
#include "server/origin.h"

#include <stdlib.h>
#include <string.h>

const char *http_method(const http_request *req)
{
    return req->method;
}

const char *http_path(const http_request *req)
{
    return req->path;
}

const char *http_param(const http_request *req, const char *name)
{
    size_t len = strlen(name);

    for (int i = 0; i < HTTP_MAX_PARAMS && req->params[i].in_pattern; i++) {
        const char *it = req->params[i].in_pattern;

        if (strncmp(it, name, len) == 0 && (!it[len] || it[len] == '/'))
            return req->params[i].value;
    }
    return NULL;
}

const char *http_query(const http_request *req, const char *name)
{
    return pairs_get(&req->query, name);
}

bool http_query_at(const http_request *req, size_t i, const char **name, const char **value)
{
    if (i >= req->query.len)
        return false;
    *name = req->query.items[i].name;
    *value = req->query.items[i].value;
    return true;
}

const char *http_header(const http_request *req, const char *name)
{
    return pairs_get(&req->headers, name);
}

const char *http_cookie(const http_request *req, const char *name)
{
    http_request *cache = (http_request *)req; /* the value is kept beside the headers */
    char key[80];
    const char *kept;
    char *value;

    snprintf(key, sizeof(key), "cookie %s", name);
    kept = pairs_get(&req->headers, key);
    if (kept)
        return kept;
    value = cookie_value(pairs_get(&req->headers, "cookie"), name);
    if (value)
        pairs_add(&cache->headers, key, strlen(key), value, strlen(value));
    free(value);
    return pairs_get(&req->headers, key);
}

/* Percent-decodes in place, '+' as a space. */
static size_t form_decode(char *s)
{
    char *out = s;

    for (; *s; s++) {
        if (*s == '%' && text_hex_digit(s[1]) >= 0 && text_hex_digit(s[2]) >= 0) {
            *out++ = (char)(text_hex_digit(s[1]) * 16 + text_hex_digit(s[2]));
            s += 2;
        } else {
            *out++ = *s == '+' ? ' ' : *s;
        }
    }
    *out = '\0';
    return (size_t)(out - s);
}

static void read_form(http_request *req)
{
    char *copy = mem_strndup(req->body.data ? req->body.data : "", req->body.len);
    char *save = NULL;

    req->form_read = true;
    for (char *part = strtok_r(copy, "&", &save); part; part = strtok_r(NULL, "&", &save)) {
        char *value = strchr(part, '=');

        if (value)
            *value++ = '\0';
        else
            value = part + strlen(part);
        form_decode(part);
        form_decode(value);
        pairs_add(&req->form, part, strlen(part), value, strlen(value));
    }
    free(copy);
}

const char *http_form(http_request *req, const char *name)
{
    if (!req->form_read)
        read_form(req);
    return pairs_get(&req->form, name);
}

const char *http_body(const http_request *req, size_t *len)
{
    if (len)
        *len = req->body.len;
    return req->body.data ? req->body.data : "";
}

const char *http_peer(const http_request *req)
{
    return req->peer;
}

bool http_is_tls(const http_request *req)
{
    const char *proto = pairs_get(&req->headers, "x-forwarded-proto");

    if (req->srv->opt.trust_forwarded && proto)
        return strcmp(proto, "https") == 0;
    return req->wsi && lws_is_ssl(req->wsi);
}

bool http_is_forwarded(const http_request *req)
{
    static const char *const signs[] = {"forwarded",
                                        "x-forwarded-for",
                                        "x-forwarded-host",
                                        "x-forwarded-proto",
                                        "x-forwarded-server",
                                        "x-real-ip",
                                        "via"};

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (pairs_get(&req->headers, signs[i]))
            return true;
    return false;
}

bool http_is_local(const http_request *req)
{
    return req->from_here && !http_is_forwarded(req);
}

bool http_page_is_tls(const http_request *req)
{
    const char *origin = pairs_get(&req->headers, "origin");

    return origin && origin_is_host(origin, pairs_get(&req->headers, "host"), true);
}

bool http_content_is(const http_request *req, const char *media_type)
{
    const char *type = pairs_get(&req->headers, "content-type");
    size_t len = strlen(media_type);

    return type && strncasecmp(type, media_type, len) == 0 &&
           (!type[len] || strchr("; \t", type[len]));
}

bool http_same_origin(const http_request *req)
{
    const char *origin = pairs_get(&req->headers, "origin");
    const char *site = pairs_get(&req->headers, "sec-fetch-site");

    if (origin)
        return origin_is_host(origin, pairs_get(&req->headers, "host"), http_is_tls(req)) ||
               origin_in_list(origin, req->srv->opt.allowed_origins);
    return !site || !strcmp(site, "same-origin") || !strcmp(site, "none");
}

bool http_client_gone(const http_request *req)
{
    return !req->wsi;
}
