/*
 * http_request.c - libwebsockets' HTTP side: from its callbacks to a request, and from an answer to
 * its socket.
 *
 * libwebsockets keeps a request's headers in a buffer that it takes back, so what handlers may need
 * is copied at the start. While a handler keeps a request, reading from its socket is off: what a
 * client pipelines waits in the kernel.
 */
#include "server/http_request.h"

#include "base/mem.h"
#include "base/text.h"
#include "server/accepted.h"
#include "server/header.h"

#include <stdlib.h>
#include <string.h>

/* A body that is too large is read and thrown away up to here, and up to twice what is allowed, so
 * that the client gets to read why; beyond that it is cut off. */
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
    {WSI_TOKEN_HTTP_VIA, "via"},
    {WSI_TOKEN_HTTP_X_REAL_IP, "x-real-ip"},
    {WSI_TOKEN_X_FORWARDED_FOR, "x-forwarded-for"},
};

static const char *const kept_custom_headers[] = {
    "sec-fetch-site:",
    "x-unichat-role:",
    "forwarded:",
    "x-forwarded-host:",
    "x-forwarded-proto:",
    "x-forwarded-server:",
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

static bool is_from_here(struct lws *wsi)
{
    char peer[HEADER_PEER_SIZE];

    header_peer(wsi, peer);
    return strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0;
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
    req->srv->body_bytes -= req->body.len;
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

/* The handler answers at once or keeps the request; what is answered lives until it is written. */
static void handle(http_request *req)
{
    lws_set_timeout(req->wsi, NO_PENDING_TIMEOUT, 0);
    req->state = HTTP_HANDLING;
    req->handled_now = true;
    http_dispatch(req);
    req->handled_now = false;
    if (req->state == HTTP_HANDLING)
        lws_rx_flow_control(req->wsi, 0);
}

/* What cannot be read to its end, or not by every server alike: answered at once, and the
 * connection closed. */
static void refuse(http_request *req, int status, const char *code, const char *why)
{
    req->close_after = true;
    req->state = HTTP_HANDLING;
    http_respond_error(req, status, code, NULL, "%s", why);
}

static bool can_be_discarded(const server *srv, uint64_t length)
{
    return length <= DISCARD_MAX || length <= 2 * (uint64_t)srv->opt.max_body;
}

static int expect_body(http_request *req, int64_t length)
{
    static unsigned char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *expect = pairs_get(&req->headers, "expect");

    if (!can_be_discarded(req->srv, (uint64_t)length)) {
        refuse(req, 413, "too_large", "The body is larger than this server allows");
        return 0;
    }
    req->too_large = (uint64_t)length > req->srv->opt.max_body;
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

/* RFC 9112, 3.2: one Host, and since HTTP/1.1 no less. */
static bool names_one_host(const http_request *req)
{
    char version[sizeof("HTTP/1.1")] = "";

    if (lws_hdr_fragment_length(req->wsi, WSI_TOKEN_HOST, 1) > 0)
        return false;
    return pairs_get(&req->headers, "host") ||
           lws_hdr_copy(req->wsi, version, sizeof(version), WSI_TOKEN_HTTP) < 0 ||
           strcmp(version, "HTTP/1.1") != 0;
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
    req->from_here = is_from_here(wsi);
    read_headers(req);
    read_query(req);
    length = pairs_get(&req->headers, "content-length");
    if (headers_size(wsi) > HEADERS_MAX)
        refuse(req, 431, "headers_too_large", "The headers are larger than this server allows");
    else if (!names_one_host(req))
        refuse(req, 400, "invalid_host", "Send one Host header");
    else if (pairs_get(&req->headers, "transfer-encoding"))
        refuse(req, 411, "length_required", "Send the body with a Content-Length");
    else if (length && !text_parse_int(length, 0, INT64_MAX, &bytes))
        refuse(req, 400, "invalid_length", "Content-Length is not a number");
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

/* The list begins with the newest. */
static http_request *oldest_body(const http_request *but)
{
    http_request *oldest = NULL;

    for (http_request *r = but->srv->requests; r; r = r->next)
        if (r != but && r->state == HTTP_READING && r->body.len)
            oldest = r;
    return oldest;
}

/* As with sockets (accepted.h): who sends bodies and does not finish them closes his own, for an
 * honest client's is among the youngest. */
static void make_room(http_request *req, size_t len)
{
    server *srv = req->srv;
    http_request *oldest;

    while (srv->body_bytes + len > srv->opt.max_bodies && (oldest = oldest_body(req))) {
        limit_tell(srv->too_many_bodies, oldest->peer);
        accepted_kill(oldest->wsi);
    }
}

int http_body_piece(http_request *req, const void *data, size_t len)
{
    if (req->state != HTTP_READING || req->too_large || !len)
        return 0;
    make_room(req, len);
    buf_append(&req->body, data, len);
    req->srv->body_bytes += len;
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
 * Whether libwebsockets (4.1) holds bytes that this client has sent ahead of the answer. Of a
 * request with a body that it takes from there, it frees the headers' bytes and then reads the body
 * behind them. So such a connection ends with the answer, as HTTP/1.1 allows: the client asks anew.
 *
 * It does not tell. But when a transaction is over, it keeps a table of headers only for what it
 * holds, and without one lws_hdr_custom_copy() leaves its target alone.
 */
static bool has_sent_ahead(struct lws *wsi)
{
    char target = 'x';

    (void)lws_hdr_custom_copy(wsi, &target, 1, "x:", 2);
    return target == '\0';
}

/* All of the answer is with the socket. */
static int complete(http_request *req)
{
    struct lws *wsi = req->wsi;
    bool close_after = req->close_after;

    http_request_free(req);
    if (close_after)
        return -1;
    accepted_await_request(wsi);
    return lws_http_transaction_completed(wsi) || has_sent_ahead(wsi) ? -1 : 0;
}

/* A piece each time that the socket takes one, so that a client who reads slowly is told from one
 * who does not read. */
int http_writable(http_request *req)
{
    size_t left = req->answer.len - req->written;
    size_t piece = left < WRITE_MAX ? left : WRITE_MAX;

    if (req->state != HTTP_ANSWERED)
        return 0;
    if (left == 0)
        return complete(req);
    if (lws_write(req->wsi, (unsigned char *)req->answer.data + req->written, piece,
                  LWS_WRITE_HTTP) < 0)
        return -1;
    req->written += piece;
    if (piece == left && !lws_partial_buffered(req->wsi))
        return complete(req);
    accepted_await_reader(req->wsi);
    return lws_callback_on_writable(req->wsi) < 0 ? -1 : 0;
}

void http_gone(http_request *req)
{
    req->wsi = NULL;
    if (req->state != HTTP_HANDLING)
        http_request_free(req);
}
