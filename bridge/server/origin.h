/* origin.h - where a browser's request comes from. Pure. */
#ifndef UNICHAT_SERVER_ORIGIN_H
#define UNICHAT_SERVER_ORIGIN_H

#include <stdbool.h>

/* Whether the origin ("https://chat.example") is in a list separated by blanks. NULL: an empty
 * list. What is in this list of the server's may use cookies, so there is no word for every
 * origin. */
bool origin_in_list(const char *origin, const char *list);

/* Whether a page of the origin may open a WebSocket of an app that has this list: NULL, and "*" in
 * it, are every origin. That alone gives it no cookie's power. */
bool origin_may_connect(const char *origin, const char *list);

/* Whether the origin is a page of the host that the request was sent to (the Host header, with its
 * port). A request that came by TLS has pages of TLS alone: whoever can change what goes over the
 * network in the clear can make a plain page of any host. */
bool origin_is_host(const char *origin, const char *host, bool tls);

#endif
