/* host_order.h - which of several database hosts is tried first.
 *
 * libpq tries the hosts of a connection string in turn, but only as long as connecting fails at
 * once. A host that takes the connection and then says nothing ends the whole attempt, and the next
 * attempt would begin with it again. So after such a host the order is changed: it goes to the end.
 */
#ifndef UNICHAT_DB_HOST_ORDER_H
#define UNICHAT_DB_HOST_ORDER_H

#include <libpq-fe.h>

/* Values for libpq's keywords of the same names; NULL: as configured. */
typedef struct host_order {
    char *host;
    char *hostaddr;
    char *port;
} host_order;

/* Takes the hosts of this attempt with the first moved to the end. */
void host_order_next(host_order *order, PGconn *pg);

/* Back to the configured order. */
void host_order_clear(host_order *order);

/* "a,b,c" as "b,c,a"; NULL for NULL. The caller frees. */
char *host_list_rotated(const char *list) __attribute__((warn_unused_result));

#endif
