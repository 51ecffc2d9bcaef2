/* http_respond.c - answers: from a status and a body to the bytes of the whole response (http.h).
 *
 *     handler --http_respond*--> head + body in one buffer --writable--> socket, by pieces
 *                  |
 *                  +-- the client has gone: the request is freed, nothing is written
 *
 * All of an answer is put together before any of it is sent, so an answer is whole or not begun,
 * and its length is known. Values that come from outside cannot end their header. Nothing here
 * streams: what is answered has to fit in memory.
 */
#include "server/accepted.h"
#include "server/http_request.h"

#include "base/log.h"
#include "base/mem.h"
#include "server/origin.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].status == status)
            return known[i].text;
    return "Status";
}

/* A value from outside must not end its header. */
static void put_header(buf *out, const char *name, const char *value)
{
    buf_puts(out, name);
    buf_puts(out, ": ");
    for (const char *s = value; *s; s++)
        if ((unsigned char)*s >= ' ' && *s != 0x7f)
            buf_putc(out, *s);
    buf_puts(out, "\r\n");
}

void http_set_header(http_request *req, const char *name, const char *value)
{
    put_header(&req->extra_headers, name, value);
}

static void put_cors(http_request *req)
{
    const char *origin = pairs_get(&req->headers, "origin");

    if (!req->srv->opt.allowed_origins || !*req->srv->opt.allowed_origins)
        return;
    put_header(&req->answer, "Vary", "Origin");
    if (!origin || !origin_in_list(origin, req->srv->opt.allowed_origins))
        return;
    put_header(&req->answer, "Access-Control-Allow-Origin", origin);
    put_header(&req->answer, "Access-Control-Allow-Credentials", "true");
    put_header(&req->answer, "Access-Control-Expose-Headers", "Retry-After");
}

static void put_head(http_request *req, int status, const char *content_type, size_t len)
{
    buf *out = &req->answer;

    buf_printf(out, "HTTP/1.1 %d %s\r\n", status, reason_phrase(status));
    put_header(out, "X-Content-Type-Options", "nosniff");
    if (http_is_tls(req))
        put_header(out, "Strict-Transport-Security", "max-age=31536000");
    put_cors(req);
    if (content_type)
        put_header(out, "Content-Type", content_type);
    if (status != 204 && status != 304)
        buf_printf(out, "Content-Length: %zu\r\n", len);
    if (!strstr(req->extra_headers.data ? req->extra_headers.data : "", "Cache-Control:"))
        put_header(out, "Cache-Control", "no-store");
    if (req->close_after || req->srv->draining)
        put_header(out, "Connection", "close");
    buf_append(out, req->extra_headers.data, req->extra_headers.len);
    buf_puts(out, "\r\n");
}

void http_respond(http_request *req, int status, const char *content_type, const void *body,
                  size_t len)
{
    if (!req->wsi) {
        http_request_free(req);
        return;
    }
    req->close_after |= req->srv->draining;
    put_head(req, status, content_type, len);
    if (strcmp(req->method, "HEAD") != 0 && status != 204 && status != 304)
        buf_append(&req->answer, body, len);
    req->state = HTTP_ANSWERED;
    log_debug("event=http peer=%s method=%s path=%s status=%d", req->peer, req->method,
              LOG_Q(req->path), status);
    if (!req->handled_now)
        lws_rx_flow_control(req->wsi, 1);
    accepted_await_reader(req->wsi);
    lws_callback_on_writable(req->wsi);
}

void http_respond_json(http_request *req, int status, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

    http_respond(req, status, text ? "application/json" : NULL, text ? text : "",
                 text ? strlen(text) : 0);
    free(text);
    json_decref(body);
}

void http_respond_error(http_request *req, int status, const char *code, const char *field,
                        const char *fmt, ...)
{
    va_list args;
    char *message = NULL;
    json_t *error;

    va_start(args, fmt);
    if (vasprintf(&message, fmt, args) < 0)
        message = NULL;
    va_end(args);
    error = json_pack("{s:s, s:s}", "code", code, "message", message ? message : code);
    free(message);
    if (!error)
        error = json_pack("{s:s, s:s}", "code", code, "message", code);
    if (field)
        json_object_set_new(error, "field", json_string(field));
    http_respond_json(req, status, json_pack("{s:o}", "error", error));
}
