/*
 * http_request.c - libwebsockets' HTTP side: from its callbacks to a request, and from an answer to
 * its socket.
 *
 * libwebsockets keeps a request's headers in a buffer that it takes back, so what handlers may need
 * is copied at the start. While a handler keeps a request, reading from its socket is off: what a
 * client pipelines waits in the kernel.
 */
#include "server/http_request.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "server/accepted.h"
#include "server/header.h"
#include "server/origin.h"

#include <stdlib.h>
#include <string.h>

/* A body that is too large is read and thrown away up to here, so that the client gets to read why;
 * then it is cut off. */
#define DISCARD_MAX (16u << 20)

/* Of the headers that are read; more than twice as much, and libwebsockets closes. */
#define HEADERS_MAX 8192

#define WRITE_MAX (64u << 10)

static const struct {
    enum lws_token_indexes token;
    const char *name;
} kept_headers[] = {
    {WSI_TOKEN_HOST, "host"},
    {WSI_TOKEN_ORIGIN, "origin"},
    {WSI_TOKEN_HTTP_AUTHORIZATION, "authorization"},
    {WSI_TOKEN_HTTP_COOKIE, "cookie"},
    {WSI_TOKEN_HTTP_CONTENT_TYPE, "content-type"},
    {WSI_TOKEN_HTTP_CONTENT_LENGTH, "content-length"},
    {WSI_TOKEN_HTTP_TRANSFER_ENCODING, "transfer-encoding"},
    {WSI_TOKEN_HTTP_ACCEPT, "accept"},
    {WSI_TOKEN_HTTP_USER_AGENT, "user-agent"},
    {WSI_TOKEN_HTTP_IF_NONE_MATCH, "if-none-match"},
    {WSI_TOKEN_HTTP_EXPECT, "expect"},
    {WSI_TOKEN_X_FORWARDED_FOR, "x-forwarded-for"},
};

static const char *const kept_custom_headers[] = {
    "sec-fetch-site:",
    "x-unichat-role:",
    "x-forwarded-proto:",
    "access-control-request-method:",
};

static const struct {
    enum lws_token_indexes token;
    const char *method;
} methods[] = {
    {WSI_TOKEN_GET_URI, "GET"},       {WSI_TOKEN_POST_URI, "POST"},
    {WSI_TOKEN_HEAD_URI, "HEAD"},     {WSI_TOKEN_OPTIONS_URI, "OPTIONS"},
    {WSI_TOKEN_DELETE_URI, "DELETE"}, {WSI_TOKEN_PUT_URI, "PUT"},
    {WSI_TOKEN_PATCH_URI, "PATCH"},
};

/* ---- names and values ---- */

void pairs_add(http_pairs *pairs, const char *name, size_t name_len, const char *value,
               size_t value_len)
{
    if (pairs->len == pairs->cap) {
        pairs->cap = pairs->cap ? pairs->cap * 2 : 8;
        pairs->items = mem_realloc(pairs->items, pairs->cap * sizeof(pairs->items[0]));
    }
    pairs->items[pairs->len++] =
        (http_pair){mem_strndup(name, name_len), mem_strndup(value, value_len)};
}

const char *pairs_get(const http_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->len; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return NULL;
}

static void pairs_free(http_pairs *pairs)
{
    for (size_t i = 0; i < pairs->len; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    free(pairs->items);
}

/* ---- reading ---- */

static void take_header(http_request *req, const char *name, char *value)
{
    if (value)
        pairs_add(&req->headers, name, strcspn(name, ":"), value, strlen(value));
    free(value);
}

static void read_headers(http_request *req)
{
    for (size_t i = 0; i < sizeof(kept_headers) / sizeof(kept_headers[0]); i++)
        take_header(req, kept_headers[i].name, header_copy(req->wsi, kept_headers[i].token));
    for (size_t i = 0; i < sizeof(kept_custom_headers) / sizeof(kept_custom_headers[0]); i++)
        take_header(req, kept_custom_headers[i],
                    header_copy_custom(req->wsi, kept_custom_headers[i]));
}

/* libwebsockets also splits at ';', which is legal in a value: a piece without '=' belongs to the
 * one before it. */
static void read_query(http_request *req)
{
    int size = lws_hdr_total_length(req->wsi, WSI_TOKEN_HTTP_URI_ARGS) + 1;
    char *part = mem_alloc((size_t)size);

    for (int i = 0; lws_hdr_copy_fragment(req->wsi, part, size, WSI_TOKEN_HTTP_URI_ARGS, i) >= 0;
         i++) {
        char *equals = strchr(part, '=');

        if (equals) {
            pairs_add(&req->query, part, (size_t)(equals - part), equals + 1, strlen(equals + 1));
        } else if (req->query.len) {
            http_pair *last = &req->query.items[req->query.len - 1];
            char *joined = mem_printf("%s;%s", last->value, part);

            free(last->value);
            last->value = joined;
        } else if (*part) {
            pairs_add(&req->query, part, strlen(part), "", 0);
        }
    }
    free(part);
}

static bool read_method_and_path(http_request *req)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (lws_hdr_total_length(req->wsi, methods[i].token) > 0) {
            req->method = methods[i].method;
            req->path = header_path(req->wsi, methods[i].token);
            return true;
        }
    return false;
}

static http_request *request_new(server *srv, struct lws *wsi)
{
    http_request *req = mem_new(http_request);

    req->srv = srv;
    req->wsi = wsi;
    req->next = srv->requests;
    if (req->next)
        req->next->prev = req;
    srv->requests = req;
    accepted_set_owner(wsi, req);
    return req;
}

void http_request_free(http_request *req)
{
    if (req->wsi)
        accepted_set_owner(req->wsi, NULL);
    if (req->prev)
        req->prev->next = req->next;
    else
        req->srv->requests = req->next;
    if (req->next)
        req->next->prev = req->prev;
    for (int i = 0; i < HTTP_MAX_PARAMS; i++)
        free(req->params[i].value);
    pairs_free(&req->headers);
    pairs_free(&req->query);
    pairs_free(&req->form);
    free(req->path);
    buf_free(&req->body);
    buf_free(&req->extra_headers);
    buf_free(&req->answer);
    free(req);
}

static bool has_body_method(const http_request *req)
{
    return !strcmp(req->method, "POST") || !strcmp(req->method, "PUT") ||
           !strcmp(req->method, "PATCH");
}

static void go(http_request *req)
{
    lws_set_timeout(req->wsi, NO_PENDING_TIMEOUT, 0);
    req->state = HTTP_HANDLING;
    req->handled_now = true;
    http_dispatch(req);
}

/* The handler may have answered and freed nothing: an answered request lives until it is written.
 */
static int after_handler(http_request *req)
{
    req->handled_now = false;
    if (req->state == HTTP_HANDLING)
        lws_rx_flow_control(req->wsi, 0);
    return 0;
}

static void handle(http_request *req)
{
    go(req);
    after_handler(req);
}

/* What cannot be read to its end: answered at once, and the connection closed. */
static void refuse_body(http_request *req, int status, const char *code, const char *why)
{
    req->close_after = true;
    req->state = HTTP_HANDLING;
    http_respond_error(req, status, code, NULL, "%s", why);
}

static int expect_body(http_request *req, int64_t length)
{
    static unsigned char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *expect = pairs_get(&req->headers, "expect");

    if (length > DISCARD_MAX) {
        refuse_body(req, 413, "too_large", "The body is larger than this server allows");
        return 0;
    }
    req->too_large = (size_t)length > req->srv->opt.max_body;
    accepted_await_body(req->wsi);
    if (expect && lws_write(req->wsi, go_on, sizeof(go_on) - 1, LWS_WRITE_HTTP) < 0)
        return -1;
    return 0;
}

static size_t headers_size(struct lws *wsi)
{
    size_t size = 0;

    for (int token = 0; token < WSI_TOKEN_COUNT; token++)
        size += (size_t)lws_hdr_total_length(wsi, (enum lws_token_indexes)token);
    return size;
}

int http_begin(server *srv, struct lws *wsi)
{
    http_request *req = request_new(srv, wsi);
    const char *length;
    int64_t bytes = 0;

    accepted_busy(wsi);
    if (!read_method_and_path(req))
        return -1;
    header_client(srv->opt.trust_forwarded, wsi, req->peer);
    read_headers(req);
    read_query(req);
    if (headers_size(wsi) > HEADERS_MAX) {
        refuse_body(req, 431, "headers_too_large",
                    "The headers are larger than this server allows");
        return 0;
    }
    length = pairs_get(&req->headers, "content-length");
    if (pairs_get(&req->headers, "transfer-encoding"))
        refuse_body(req, 411, "length_required", "Send the body with a Content-Length");
    else if (length && !text_parse_int(length, 0, INT64_MAX, &bytes))
        refuse_body(req, 400, "invalid_length", "Content-Length is not a number");
    else if (bytes > 0)
        return expect_body(req, bytes);
    else if (!length || strcmp(req->method, "POST") != 0) {
        /* Without a length libwebsockets waits for a body for ever: this connection ends with the
         * answer. Of an empty body it tells for POST alone. */
        req->close_after = !length && has_body_method(req);
        handle(req);
    }
    return 0;
}

int http_body_piece(http_request *req, const void *data, size_t len)
{
    if (req->state == HTTP_READING && !req->too_large && len)
        buf_append(&req->body, data, len);
    return 0;
}

/*
 * Where a client has pipelined more behind the body, libwebsockets (4.1) tells of the body's end
 * again and again and does not return to the loop while the answer waits to be written. So it is
 * written here, and the connection closed: the client asks anew for what came behind it.
 */
static int body_end_again(http_request *req)
{
    if (req->state != HTTP_ANSWERED)
        return 0; /* reading is off */
    req->close_after = true;
    http_writable(req);
    return -1;
}

int http_body_end(http_request *req)
{
    if (req->state != HTTP_READING)
        return body_end_again(req);
    accepted_busy(req->wsi);
    if (req->too_large) {
        req->state = HTTP_HANDLING;
        http_respond_error(req, 413, "too_large", NULL, "The body is larger than %zu bytes",
                           req->srv->opt.max_body);
        return 0;
    }
    handle(req);
    return 0;
}

/*
 * Whether libwebsockets (4.1) holds bytes that a client has sent ahead; it may be another client.
 * Of a request with a body that it takes from what it holds, it frees the headers' bytes and then
 * reads the body behind them. So a client that has sent ahead is answered and the connection
 * closed, as HTTP/1.1 allows: it asks anew.
 */
static bool has_sent_ahead(struct lws *wsi)
{
    return lws_service_adjust_timeout(lws_get_context(wsi), 1, 0) == 0;
}

/* A piece each time that the socket takes one, so that a client who reads slowly is told from one
 * who does not read. */
int http_writable(http_request *req)
{
    struct lws *wsi = req->wsi;
    bool close_after = req->close_after;
    size_t len = req->answer.len - req->written;
    bool last = len <= WRITE_MAX;
    int written;

    if (req->state != HTTP_ANSWERED)
        return 0;
    written = lws_write(wsi, (unsigned char *)req->answer.data + req->written,
                        last ? len : WRITE_MAX, LWS_WRITE_HTTP);
    if (written >= 0 && !last) {
        req->written += WRITE_MAX;
        accepted_await_reader(wsi);
        return lws_callback_on_writable(wsi) < 0 ? -1 : 0;
    }
    http_request_free(req);
    if (written < 0 || close_after || has_sent_ahead(wsi))
        return -1;
    accepted_await_request(wsi);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

void http_gone(http_request *req)
{
    req->wsi = NULL;
    if (req->state != HTTP_HANDLING)
        http_request_free(req);
}

/* ---- what handlers ask ---- */

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
