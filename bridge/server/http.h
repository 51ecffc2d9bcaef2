/*
 * http.h - HTTP requests: routes, what a handler may ask of a request, and how it answers.
 *
 * A handler gets the whole request, body included, and answers with exactly one of the http_respond
 * functions, at once or later. Until then the request lives, also when its client has gone
 * (http_client_gone() tells; the answer is then dropped). After the answer the request must not be
 * touched.
 *
 * Done before a handler is asked: limits (413, 431), CORS and OPTIONS, 404 and 405 with Allow, HEAD
 * as GET without a body.
 */
#ifndef UNICHAT_SERVER_HTTP_H
#define UNICHAT_SERVER_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct server server;
typedef struct http_request http_request;
typedef void http_handler(http_request *req, void *arg);

/*
 * Adds a route. The pattern is a path whose segments may be parameters: "/apps/:id/channels/:name".
 * A parameter at the end takes the rest of the path, slashes included. Fixed segments win over
 * parameters. Strings are copied. HEAD is answered by the route of GET.
 */
void http_route(server *srv, const char *method, const char *pattern, http_handler *handler,
                void *arg);

/* Serves the files below folder at prefix ("/player/"), with ETag, content types and the strict
 * headers of pages. */
void http_static(server *srv, const char *prefix, const char *folder);

/* ---- the request; the strings live as long as it does ---- */
const char *http_method(const http_request *req);
const char *http_path(const http_request *req); /* decoded, without the query */
/* A parameter of the route, percent-decoded, or NULL. */
const char *http_param(const http_request *req, const char *name);
/* The first query parameter of that name, percent-decoded ('+' is a space), or NULL. */
const char *http_query(const http_request *req, const char *name);
/* The query parameters one by one, as they came; both decoded. False behind the last. For
 * signatures. */
bool http_query_at(const http_request *req, size_t i, const char **name, const char **value);
/* A field of an application/x-www-form-urlencoded body, decoded, or NULL. */
const char *http_form(http_request *req, const char *name);
/* A header by its name in lower case without the colon, or NULL. See http_request.c for the list
 * that is kept. */
const char *http_header(const http_request *req, const char *name);
const char *http_cookie(const http_request *req, const char *name);
const char *http_body(const http_request *req, size_t *len); /* NUL-terminated, may contain NULs */
const char *http_peer(const http_request *req);              /* "address", for logs and limits */
bool http_is_tls(const http_request *req);
/* Whether it comes from this machine and from no proxy on it: the peer's address is a loopback one,
 * and there is none of the headers by which proxies say for whom they ask. */
bool http_is_local(const http_request *req);
/* Whether a proxy has passed it on, and says so. */
bool http_is_forwarded(const http_request *req);
/* Whether a page of this host that was loaded by TLS has sent it: the browser speaks TLS, whatever
 * a proxy says, or does not say, to us. */
bool http_page_is_tls(const http_request *req);
/* Whether the media type of the body is this one, parameters aside: http_content_is(req,
 * "application/json"). */
bool http_content_is(const http_request *req, const char *media_type);
/*
 * Whether the Origin (or, without one, Sec-Fetch-Site) says that the request comes from a page of
 * this very host or of an allowed origin; true when neither header is there (not a browser).
 */
bool http_same_origin(const http_request *req);
bool http_client_gone(const http_request *req);

/* ---- the answer ---- */
/* A header of the answer to come; before http_respond. name like "Retry-After"; both are copied. */
void http_set_header(http_request *req, const char *name, const char *value);

/* Answers with JSON; takes over the reference to body (NULL: no body, for 204). */
void http_respond_json(http_request *req, int status, json_t *body);

/* Answers {"error":{"code","message","field"?}}; field may be NULL. */
void http_respond_error(http_request *req, int status, const char *code, const char *field,
                        const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Answers with bytes, which are copied. */
void http_respond(http_request *req, int status, const char *content_type, const void *body,
                  size_t len);

#endif
