/* pool.h - statements on a few database connections, without waiting.
 *
 * A statement is a constant that the pool prepares on each connection when it is first used there:
 *
 *     static const db_stmt read_stmt = {"read", "SELECT * FROM unichat_read($1, $2, $3)", 3};
 *     if (!db_query(pool, &read_stmt, (const char *[]){player, "staff", seq}, done, req))
 *         ...the database is away or the pool is full: answer 503 now
 *
 * A statement may be on an account: what one has under way never takes all connections, so that
 * whoever makes statements wait for his locks keeps those waiting and nobody else's.
 *
 * Each statement is a transaction of its own. done() is called after its commit, once, in a later
 * turn of the loop. When the connection is lost before the answer, nobody knows whether the
 * statement took effect: the error says so (SQLSTATE 08007), and statements must be such that
 * asking again does no harm.
 */
#ifndef UNICHAT_DB_POOL_H
#define UNICHAT_DB_POOL_H

#include "config/config.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <uv.h>

typedef struct db_pool db_pool;

typedef struct db_stmt {
    const char *name;
    const char *sql;
    int param_count; /* all of them text, at most DB_PARAMS_MAX; cast in the SQL where needed */
} db_stmt;

#define DB_PARAMS_MAX 12

/* Why a statement failed; texts are "" where the server said nothing. */
typedef struct db_error {
    char sqlstate[6];
    const char *message;
    const char *detail;
    const char *hint;
    const char *column; /* PG_DIAG_COLUMN_NAME */
} db_error;

/* Lives as long as the callback runs. */
typedef struct db_result {
    PGresult *rows;        /* NULL on error */
    const db_error *error; /* NULL on success */
} db_result;

typedef void db_done(void *arg, const db_result *result);

/* A pool that connects as soon as the loop runs and reconnects for ever. */
db_pool *db_pool_new(uv_loop_t *loop, const config *conf) __attribute__((warn_unused_result));

/* Sends a statement; the values are copied, NULL is SQL NULL. True: done(arg, …) will be called
 * once. False, and done is never called: no connection is up, or pool_queue statements are waiting,
 * or the pool is closing. */
bool db_query(db_pool *pool, const db_stmt *stmt, const char *const *values, db_done *done,
              void *arg) __attribute__((warn_unused_result));

/* The same on an account, whose name is copied (NULL: on none). Of each account a quarter of what
 * the pool can run is under way, at least one statement; the rest waits, while others' pass it.
 * False also when a quarter of pool_queue waits on it. */
bool db_query_for(db_pool *pool, const char *account, const db_stmt *stmt,
                  const char *const *values, db_done *done, void *arg)
    __attribute__((warn_unused_result));

/* Whether a connection is up. */
bool db_pool_ready(const db_pool *pool);

/* True for errors that pass by themselves: connection lost, server shutting down, out of resources,
 * timeouts, serialization failures and deadlocks. */
bool db_error_is_transient(const db_error *error);

/* True when the statement was ended by statement_timeout, or by an administrator. */
bool db_error_is_timeout(const db_error *error);

/* The text of a column, NULL for SQL NULL or a name that is not there. */
const char *db_text(const PGresult *rows, int row, const char *column);

/* Refuses new statements, waits for those that run, closes, frees; then calls closed(arg). */
void db_pool_close(db_pool *pool, void (*closed)(void *arg), void *arg);

#endif
