/* origin.c - see origin.h. */
#include "server/origin.h"

#include <string.h>
#include <strings.h>

bool origin_in_list(const char *origin, const char *list)
{
    const char *at = list ? list : "";

    while (*at) {
        size_t len = strcspn(at, " \t,");

        if (len && strlen(origin) == len && strncasecmp(at, origin, len) == 0)
            return true;
        at += len + strspn(at + len, " \t,");
    }
    return false;
}

bool origin_may_connect(const char *origin, const char *list)
{
    return !list || origin_in_list("*", list) || origin_in_list(origin, list);
}

bool origin_is_host(const char *origin, const char *host, bool tls)
{
    static const char secure[] = "https://", plain[] = "http://";
    const char *page = NULL;

    if (strncasecmp(origin, secure, strlen(secure)) == 0)
        page = origin + strlen(secure);
    else if (!tls && strncasecmp(origin, plain, strlen(plain)) == 0)
        page = origin + strlen(plain);
    return host && page && strcasecmp(page, host) == 0;
}
