/* host_order.c - see host_order.h. */
#include "db/host_order.h"
#include "base/buf.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is configured ---- */

/* libpq tells where it would connect only of a connection. This one it refuses before it has done
 * anything but read. */
static PQconninfoOption *read_options(const char *database)
{
    const char *const keywords[] = {"dbname", "target_session_attrs", NULL};
    const char *const values[] = {database, "none, this is but read", NULL};
    PGconn *pg = PQconnectStartParams(keywords, values, 1);
    PQconninfoOption *options = PQconninfo(pg);
    PQfinish(pg);
    return options;
}

static const char *option(const PQconninfoOption *o, const char *keyword)
{
    for (; o && o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val ? o->val : "";
    return "";
}

static size_t count_of(const char *list)
{
    size_t count = *list != '\0';
    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

/* Element number i; "" of a list that has none. The caller frees. */
static char *element(const char *list, size_t i)
{
    for (; i > 0 && *list != '\0'; i--)
        list += strcspn(list, ",") + 1;
    return mem_strndup(list, strcspn(list, ","));
}

static bool fits(size_t list, size_t hosts)
{
    return list == 0 || list == hosts;
}

void db_hosts_read(db_hosts *hosts, const char *database)
{
    PQconninfoOption *options = read_options(database);
    const char *names = option(options, "host"), *addresses = option(options, "hostaddr"),
               *ports = option(options, "port");
    size_t count = count_of(*addresses != '\0' ? addresses : names);
    *hosts = (db_hosts){0};
    bool one_port = count_of(ports) == 1;
    if (!fits(count_of(names), count) || !(one_port || fits(count_of(ports), count)))
        count = 0;
    for (size_t i = 0; i < count; i++) {
        char *name = element(names, i), *address = element(addresses, i),
             *port = element(ports, one_port ? 0 : i);
        db_hosts_add(hosts, name, address, port);
        free(name);
        free(address);
        free(port);
    }
    PQconninfoFree(options);
}

void db_hosts_add(db_hosts *hosts, const char *name, const char *address, const char *port)
{
    hosts->items = mem_realloc(hosts->items, (hosts->count + 1) * sizeof(hosts->items[0]));
    hosts->items[hosts->count++] =
        (db_host){mem_strdup(name), mem_strdup(address), mem_strdup(port)};
}

void db_hosts_clear(db_hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        free(hosts->items[i].name);
        free(hosts->items[i].address);
        free(hosts->items[i].port);
    }
    free(hosts->items);
    *hosts = (db_hosts){0};
}

bool db_host_is_name(const db_host *host)
{
    struct in_addr v4;
    return *host->address == '\0' && *host->name != '\0' && *host->name != '/' &&
           *host->name != '@' && !strchr(host->name, ':') &&
           inet_pton(AF_INET, host->name, &v4) != 1;
}

/* ---- what libpq is told ---- */

host_order host_order_of(const db_hosts *hosts, unsigned first)
{
    buf names = {0}, addresses = {0}, ports = {0};
    for (size_t i = 0; i < hosts->count; i++) {
        const db_host *host = &hosts->items[(first + i) % hosts->count];
        const char *comma = i == 0 ? "" : ",";
        buf_printf(&names, "%s%s", comma, host->name);
        buf_printf(&addresses, "%s%s", comma, host->address);
        buf_printf(&ports, "%s%s", comma, host->port);
    }
    return (host_order){buf_take(&names), buf_take(&addresses), buf_take(&ports)};
}

void host_order_clear(host_order *order)
{
    free(order->host);
    free(order->hostaddr);
    free(order->port);
    *order = (host_order){0};
}
