/* host_order.c - see host_order.h. */
#include "db/host_order.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

char *host_list_rotated(const char *list)
{
    const char *comma = list == NULL ? NULL : strchr(list, ',');
    if (comma == NULL)
        return mem_strdup(list);
    return mem_printf("%s,%.*s", comma + 1, (int)(comma - list), list);
}

static void take(char **slot, const char *list)
{
    char *rotated = host_list_rotated(list);
    free(*slot);
    *slot = rotated;
}

void host_order_next(host_order *order, PGconn *pg)
{
    PQconninfoOption *options = PQconninfo(pg);
    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        if (strcmp(o->keyword, "host") == 0)
            take(&order->host, o->val);
        else if (strcmp(o->keyword, "hostaddr") == 0)
            take(&order->hostaddr, o->val);
        else if (strcmp(o->keyword, "port") == 0)
            take(&order->port, o->val);
    }
    PQconninfoFree(options);
}

void host_order_clear(host_order *order)
{
    free(order->host);
    free(order->hostaddr);
    free(order->port);
    *order = (host_order){0};
}
