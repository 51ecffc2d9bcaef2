/* session.h - how every session of the bridge with PostgreSQL begins. For db/ alone. */
#ifndef UNICHAT_DB_SESSION_H
#define UNICHAT_DB_SESSION_H

#include "config/config.h"
#include "db/host_order.h"

#include <libpq-fe.h>
#include <stdbool.h>

typedef struct session_info {
    char schema[64];         /* of the extension */
    char server_version[32]; /* as the server writes it */
    char problem[300];       /* why the session cannot be used, or "" */
} session_info;

/* Begins to connect: the setting `database` on top of the bridge's own defaults (keepalives,
 * tcp_user_timeout, target_session_attrs=read-write), below them libpq's environment. The result is
 * PQconnectStartParams()'s. */
PGconn *session_connect_start(const config *conf, const host_order *order,
                              const char *application_name);

/* Sends the one statement that finds the extension's schema and sets search_path, timeouts and
 * limits; clears `info`. */
bool session_send_setup(PGconn *pg, const config *conf, int64_t statement_timeout_ms,
                        session_info *info);

/* Reads what has come of its answer into `info`. True when it was whole. */
bool session_read_setup(PGconn *pg, session_info *info);

/* Whether notifications are safe in that version of the server, as PQserverVersion() has it. */
bool session_version_is_safe(int version);

/* Warns, once per version, about servers where they are not. */
void session_warn_about_version(PGconn *pg, const char *who);

#endif
