/* pg_conn.h - one connection to PostgreSQL on the loop, that comes back by itself.
 *
 *             start                 name, socket, password, TLS      session set up
 *     closed ───────▶ waiting ───────▶ connecting ───────▶ preparing ───────▶ ready
 *                        ▲  backoff        │                   │                │
 *                        └─────────────────┴─────── lost ──────┴────────────────┘
 *
 * The owner gets ready(), then input() whenever the server has said something, then lost(), and so
 * on. It uses the PGconn only between ready() and lost().
 */
#ifndef UNICHAT_DB_PG_CONN_H
#define UNICHAT_DB_PG_CONN_H

#include "config/config.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <uv.h>

typedef struct pg_conn pg_conn;

typedef struct pg_conn_events {
    void (*ready)(void *arg);
    void (*input)(void *arg); /* PQconsumeInput() has been called: take results and notifications */
    void (*lost)(void *arg, const char *why); /* only after ready(); the PGconn is still there */
} pg_conn_events;

/* `name` is its identity in the log and its application_name ("unichat-bridge NAME"). */
pg_conn *pg_conn_new(uv_loop_t *loop, const config *conf, const char *name,
                     int64_t statement_timeout_ms, const pg_conn_events *events, void *arg)
    __attribute__((warn_unused_result));

/* Connects, now and whenever the connection was lost. */
void pg_conn_start(pg_conn *c);

bool pg_conn_is_ready(const pg_conn *c);

/* The session does its work, so after it the pauses between attempts begin with the short one
 * again. Without this they go on growing: a session that always fails right after its start is no
 * reason to come back ten times a second. */
void pg_conn_healthy(pg_conn *c);

/* For log_*_as(). */
const char *pg_conn_who(const pg_conn *c);

PGconn *pg_conn_raw(pg_conn *c);

/* Sends what libpq holds back; call it after each PQsend…(). */
void pg_conn_flush(pg_conn *c);

/* Gives the connection up and connects anew. May be called from within input(); lost() is called
 * and the PGconn goes away in a later turn of the loop. */
void pg_conn_fail(pg_conn *c, const char *why);

/* Closes for ever, without lost(), and frees; then calls closed(arg). Not from within an event. */
void pg_conn_close(pg_conn *c, void (*closed)(void *arg), void *arg);

#endif
