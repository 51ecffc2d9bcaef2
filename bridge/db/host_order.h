/* host_order.h - which addresses of the database's hosts are tried, and which first. Pure.
 *
 * libpq tries the hosts of a connection string in turn, but only as long as connecting fails at
 * once. A host that takes the connection and then says nothing ends the whole attempt, and the next
 * attempt would begin with it again. So after such a host the next attempt begins one further.
 */
#ifndef UNICHAT_DB_HOST_ORDER_H
#define UNICHAT_DB_HOST_ORDER_H

#include <stdbool.h>
#include <stddef.h>

/* Values for libpq's keywords of the same names; NULL: as configured. */
typedef struct host_order {
    char *host;
    char *hostaddr;
    char *port;
} host_order;

/* "" where there is none: without an address libpq looks the name up, without a name it takes the
 * Unix socket's usual folder. */
typedef struct db_host {
    char *name;
    char *address;
    char *port;
} db_host;

typedef struct db_hosts {
    db_host *items;
    size_t count;
} db_hosts;

/* The hosts of a connection string, or what else libpq takes them from (service file, environment).
 * None when libpq would refuse the string: let it say why. The caller clears. */
void db_hosts_read(db_hosts *hosts, const char *database);

/* Appends a copy. */
void db_hosts_add(db_hosts *hosts, const char *name, const char *address, const char *port);

void db_hosts_clear(db_hosts *hosts);

/* Whether libpq would have to ask a resolver for it. */
bool db_host_is_name(const db_host *host);

/* The hosts in turn, beginning with number `first`, counted round. The caller clears. */
host_order host_order_of(const db_hosts *hosts, unsigned first);

void host_order_clear(host_order *order);

#endif
