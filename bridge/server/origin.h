/* origin.h - where a browser's request comes from. Pure. */
#ifndef UNICHAT_SERVER_ORIGIN_H
#define UNICHAT_SERVER_ORIGIN_H

#include <stdbool.h>

/* Whether the origin ("https://chat.example") is in a list separated by blanks; "*" is every
 * origin. NULL: an empty list. */
bool origin_in_list(const char *origin, const char *list);

/* Whether the origin is a page of the host that the request was sent to (the Host header, with its
 * port). A request that came by TLS has pages of TLS alone: whoever can change what goes over the
 * network in the clear can make a plain page of any host. */
bool origin_is_host(const char *origin, const char *host, bool tls);

#endif
