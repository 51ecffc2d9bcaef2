/* header.h - request headers out of libwebsockets; for the files of server/ alone. Every string is
 * the caller's to free. */
#ifndef UNICHAT_SERVER_HEADER_H
#define UNICHAT_SERVER_HEADER_H

#include <libwebsockets.h>
#include <stdbool.h>

#define HEADER_PEER_SIZE 64

/* The address at the other end; an IPv4 one in its own form also on an IPv6 socket. */
void header_peer(struct lws *wsi, char out[HEADER_PEER_SIZE]);

/* The client's: behind a proxy that is trusted, the last address that it has added to
 * X-Forwarded-For. */
void header_client(bool trust_forwarded, struct lws *wsi, char out[HEADER_PEER_SIZE]);

/* A header's value; NULL without one. */
char *header_copy(struct lws *wsi, enum lws_token_indexes token);

/* One that libwebsockets has no number for, by its name in lower case with the colon. */
char *header_copy_custom(struct lws *wsi, const char *name_and_colon);

/* The path of the request, decoded. libwebsockets cuts it at ';', which is legal there: it is put
 * together again. */
char *header_path(struct lws *wsi, enum lws_token_indexes uri);

/* The first query parameter of this name, decoded; NULL without one. */
char *header_query(struct lws *wsi, const char *name);

/* A cookie's value in a Cookie header. */
char *cookie_value(const char *cookies, const char *name);
char *header_cookie(struct lws *wsi, const char *name);

/* The token of "Authorization: Bearer …". */
char *header_bearer(struct lws *wsi);

#endif
