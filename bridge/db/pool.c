/* pool.c - see pool.h.
 *
 *     db_query ──▶ waiting (one queue) ──▶ a connection's running queue ──▶ done()
 *
 * A connection is in libpq's pipeline mode: a statement, its preparation where it is the first of
 * its kind there, and the Sync that ends its transaction go out in one write. Answers come in the
 * order of the statements. A statement is done when its Sync is answered, not before: errors of the
 * commit (deferred constraints) come then.
 *
 * Which connection: the one with the fewest statements under way. With pool_pipeline = 1 a
 * connection runs one at a time, so a slow statement keeps its own connection busy and delays
 * nobody else's as long as another one is free. A larger number saves round trips to a distant
 * database, at the price that up to so many statements wait behind a slow one.
 *
 * Accounts. A statement that waits for a lock keeps its connection, and one SQL session can hold
 * the lock that all statements of a player need. So each account has a share of the pool:
 *
 *     waiting:  mallory  mallory  ada  mallory  bob        mallory's row is locked
 *     running:  mallory  ada  bob  -                       one of hers waits, the others' pass it
 *
 * It takes as many players who lock their rows at the same time as there are shares to jam the
 * pool, until statement_timeout.
 *
 * Invariants: what db_query() took is in exactly one queue, and its done() is called exactly once.
 * done() is never called from within db_query(). A statement that was sent is never sent again by
 * the pool, because it may have been committed.
 */
#include "db/pool.h"
#include "base/clock.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "db/pg_conn.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define STMTS_MAX 64         /* different statements */
#define SWEEP_MS 1000        /* how often deadlines are looked at */
#define ANSWER_SLACK_MS 5000 /* beyond statement_timeout, the server itself must have answered */
#define SHARES 4             /* of the pool; an account has one */

/* In the table while it has a statement. */
typedef struct pool_account {
    UT_hash_handle hh;
    int waiting, running;
    char name[];
} pool_account;

typedef struct query {
    const db_stmt *stmt;
    char *values[DB_PARAMS_MAX];
    pool_account *account; /* or NULL */
    db_done *done;
    void *arg;
    uint64_t since_us; /* db_query() */
    uint64_t sent_ms;
    PGresult *rows;  /* what it answered, until its Sync */
    PGresult *error; /* the first error of its preparation, itself or its commit */
    bool prepares;
    struct query *prev, *next;
} query;

typedef struct pool_conn {
    db_pool *pool;
    pg_conn *conn;
    query *running;
    int running_count;
    const db_stmt *prepared[STMTS_MAX];
    int prepared_count;
} pool_conn;

struct db_pool {
    const config *conf;
    pool_conn *conns;
    int conn_count;
    int open_count; /* connections that are not closed yet */
    query *waiting;
    int waiting_count;
    pool_account *accounts; /* by name */
    uv_timer_t sweep;
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
    metric *duration;
    metric *refused;
};

static void dispatch(db_pool *pool);
static void close_when_idle(db_pool *pool);

/* ---- accounts ---- */

static pool_account *account_find(const db_pool *pool, const char *name)
{
    pool_account *a = NULL;
    if (name)
        HASH_FIND_STR(pool->accounts, name, a);
    return a;
}

static pool_account *account_get(db_pool *pool, const char *name)
{
    pool_account *a = account_find(pool, name);
    if (!a) {
        size_t len = strlen(name);
        a = mem_alloc(sizeof(*a) + len + 1);
        memcpy(a->name, name, len + 1);
        HASH_ADD_STR(pool->accounts, name, a);
    }
    return a;
}

static int share_of(int64_t whole)
{
    return whole > SHARES ? (int)(whole / SHARES) : 1;
}

static bool may_wait(const db_pool *pool, const char *name)
{
    const pool_account *a = account_find(pool, name);
    return !a || a->waiting < share_of(pool->conf->pool_queue);
}

/* `waiting` and `running` are what changes. */
static void account_for(db_pool *pool, pool_account *a, int waiting, int running)
{
    if (!a)
        return;
    a->waiting += waiting;
    a->running += running;
    if (a->waiting + a->running == 0) {
        HASH_DEL(pool->accounts, a);
        free(a);
    }
}

static bool may_run(const db_pool *pool, const query *q)
{
    return !q->account ||
           q->account->running < share_of(pool->conn_count * pool->conf->pool_pipeline);
}

/* ---- a query's life ---- */

/* The ways of a statement: it waits, it runs or is given up, it is done. */

static void enqueue(db_pool *pool, query *q, const char *account)
{
    q->account = account ? account_get(pool, account) : NULL;
    DL_APPEND(pool->waiting, q);
    pool->waiting_count++;
    account_for(pool, q->account, 1, 0);
}

static void give_up_waiting(db_pool *pool, query *q)
{
    DL_DELETE(pool->waiting, q);
    pool->waiting_count--;
    account_for(pool, q->account, -1, 0);
}

static void begin_running(pool_conn *pc, query *q)
{
    DL_DELETE(pc->pool->waiting, q);
    pc->pool->waiting_count--;
    DL_APPEND(pc->running, q);
    pc->running_count++;
    account_for(pc->pool, q->account, -1, 1);
}

static void end_running(pool_conn *pc, query *q)
{
    DL_DELETE(pc->running, q);
    pc->running_count--;
    account_for(pc->pool, q->account, 0, -1);
}

static query *query_new(const db_stmt *stmt, const char *const *values, db_done *done, void *arg)
{
    query *q = mem_new(query);
    q->stmt = stmt;
    q->done = done;
    q->arg = arg;
    q->since_us = clock_monotonic_us();
    for (int i = 0; i < stmt->param_count; i++)
        q->values[i] = mem_strdup(values[i]);
    return q;
}

static void query_free(query *q)
{
    for (int i = 0; i < q->stmt->param_count; i++)
        free(q->values[i]);
    PQclear(q->rows);
    PQclear(q->error);
    free(q);
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

static db_error error_of(const PGresult *res)
{
    db_error e = {
        .message = or_empty(PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY)),
        .detail = or_empty(PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL)),
        .hint = or_empty(PQresultErrorField(res, PG_DIAG_MESSAGE_HINT)),
        .column = or_empty(PQresultErrorField(res, PG_DIAG_COLUMN_NAME)),
    };
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    snprintf(e.sqlstate, sizeof(e.sqlstate), "%s", state ? state : "08006");
    return e;
}

static void answer(db_pool *pool, query *q, const db_error *error)
{
    db_result result = {.rows = error ? NULL : q->rows, .error = error};
    metric_observe_us(pool->duration, clock_monotonic_us() - q->since_us);
    q->done(q->arg, &result);
    query_free(q);
}

static void answer_error(db_pool *pool, query *q, const char *sqlstate, const char *message)
{
    db_error e = {.message = message, .detail = "", .hint = "", .column = ""};
    snprintf(e.sqlstate, sizeof(e.sqlstate), "%s", sqlstate);
    answer(pool, q, &e);
}

/* ---- sending ---- */

static bool is_prepared(const pool_conn *pc, const db_stmt *stmt)
{
    for (int i = 0; i < pc->prepared_count; i++)
        if (pc->prepared[i] == stmt)
            return true;
    return false;
}

static void forget_prepared(pool_conn *pc, const db_stmt *stmt)
{
    for (int i = 0; i < pc->prepared_count; i++)
        if (pc->prepared[i] == stmt)
            pc->prepared[i] = pc->prepared[--pc->prepared_count];
}

static bool send_query(pool_conn *pc, query *q)
{
    PGconn *pg = pg_conn_raw(pc->conn);
    q->prepares = !is_prepared(pc, q->stmt) && pc->prepared_count < STMTS_MAX;
    if (q->prepares) {
        if (!PQsendPrepare(pg, q->stmt->name, q->stmt->sql, 0, NULL))
            return false;
        pc->prepared[pc->prepared_count++] = q->stmt;
    }
    return PQsendQueryPrepared(pg, q->stmt->name, q->stmt->param_count,
                               (const char *const *)q->values, NULL, NULL, 0) &&
           PQpipelineSync(pg);
}

static void run_on(pool_conn *pc, query *q)
{
    q->sent_ms = clock_monotonic_ms();
    begin_running(pc, q);
    if (send_query(pc, q))
        pg_conn_flush(pc->conn);
    else
        pg_conn_fail(pc->conn, PQerrorMessage(pg_conn_raw(pc->conn)));
}

static pool_conn *least_busy(db_pool *pool)
{
    pool_conn *best = NULL;
    for (int i = 0; i < pool->conn_count; i++) {
        pool_conn *pc = &pool->conns[i];
        if (pg_conn_is_ready(pc->conn) && pc->running_count < pool->conf->pool_pipeline &&
            (!best || pc->running_count < best->running_count))
            best = pc;
    }
    return best;
}

static query *first_that_may_run(const db_pool *pool)
{
    query *q;
    DL_FOREACH (pool->waiting, q)
        if (may_run(pool, q))
            return q;
    return NULL;
}

static void dispatch(db_pool *pool)
{
    pool_conn *pc;
    query *q;
    while (pool->waiting && (pc = least_busy(pool)) && (q = first_that_may_run(pool)))
        run_on(pc, q);
}

/* ---- receiving ---- */

static void keep_result(pool_conn *pc, query *q, PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_FATAL_ERROR && !q->error) {
        q->error = res;
        if (q->prepares)
            forget_prepared(pc, q->stmt);
        return;
    }
    if (status == PGRES_TUPLES_OK && !q->rows) {
        q->rows = res;
        return;
    }
    if (status == PGRES_COMMAND_OK)
        q->prepares = false; /* it is prepared now */
    PQclear(res);            /* of the preparation, or of what an error has made void */
}

/* A plan that no longer fits what the functions return (the extension was updated) is used up with
 * its session. So is the session for which a function does not exist (42883): the extension has
 * moved, or the role may not use its schema, which a session may overlook after that is granted
 * again. The next session says what is wrong. */
static bool session_is_stale(const db_error *e)
{
    return strcmp(e->sqlstate, "42883") == 0 ||
           (strcmp(e->sqlstate, "0A000") == 0 && strstr(e->message, "cached plan"));
}

static void finish_first(pool_conn *pc)
{
    query *q = pc->running;
    end_running(pc, q);
    if (!q->error) {
        pg_conn_healthy(
            pc->conn); /* not before: a session may begin well and be good for nothing */
        answer(pc->pool, q, NULL);
        return;
    }
    db_error e = error_of(q->error);
    if (session_is_stale(&e)) {
        pg_conn_fail(pc->conn, e.message);
        snprintf(e.sqlstate, sizeof(e.sqlstate), "40001"); /* asking again will do */
    }
    answer(pc->pool, q, &e);
}

/* A NULL separates the results of a pipeline; a second one in a row means that there are no more,
 * which is so when the connection is gone and statements are still unanswered. */
static void on_input(void *arg)
{
    pool_conn *pc = arg;
    PGconn *pg = pg_conn_raw(pc->conn);
    int nulls = 0;
    while (pc->running && !PQisBusy(pg)) {
        PGresult *res = PQgetResult(pg);
        if (!res && ++nulls > 1)
            return;
        if (!res)
            continue;
        nulls = 0;
        if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
            PQclear(res);
            finish_first(pc);
        } else {
            keep_result(pc, pc->running, res);
        }
        if (!pg_conn_is_ready(pc->conn))
            return;
    }
    dispatch(pc->pool);
    close_when_idle(pc->pool);
}

/* ---- connections ---- */

static void on_ready(void *arg)
{
    pool_conn *pc = arg;
    pc->prepared_count = 0;
    if (!PQenterPipelineMode(pg_conn_raw(pc->conn)))
        pg_conn_fail(pc->conn, "cannot enter pipeline mode");
    dispatch(pc->pool);
}

static void refuse_waiting(db_pool *pool)
{
    query *q, *tmp;
    DL_FOREACH_SAFE (pool->waiting, q, tmp) {
        give_up_waiting(pool, q);
        answer_error(pool, q, "08003", "the database is away");
    }
}

static void on_lost(void *arg, const char *why)
{
    pool_conn *pc = arg;
    (void)why;
    query *lost = NULL, *q, *tmp;
    while ((q = pc->running)) {
        end_running(pc, q);
        DL_APPEND(lost, q);
    }
    DL_FOREACH_SAFE (lost, q, tmp) {
        if (q->error) {
            db_error e = error_of(q->error);
            answer(pc->pool, q, &e);
        } else {
            answer_error(pc->pool, q, "08007", "the connection was lost before the answer");
        }
    }
    if (!db_pool_ready(pc->pool))
        refuse_waiting(pc->pool);
    close_when_idle(pc->pool);
}

static const pg_conn_events conn_events = {on_ready, on_input, on_lost};

/* Once a second: who has waited too long for a connection, and which connection owes an answer. */
static void on_sweep(uv_timer_t *timer)
{
    db_pool *pool = timer->data;
    uint64_t limit_ms = (uint64_t)pool->conf->statement_timeout;
    uint64_t now_us = clock_monotonic_us();
    while (pool->waiting && now_us - pool->waiting->since_us > limit_ms * 1000) {
        query *q = pool->waiting;
        give_up_waiting(pool, q);
        answer_error(pool, q, "53300", "every database connection was busy for too long");
    }
    for (int i = 0; i < pool->conn_count; i++) {
        const query *first = pool->conns[i].running;
        uint64_t owed = limit_ms * (uint64_t)pool->conns[i].running_count + ANSWER_SLACK_MS;
        if (first && clock_monotonic_ms() - first->sent_ms > owed)
            pg_conn_fail(pool->conns[i].conn, "no answer in time");
    }
}

/* ---- the pool ---- */

static double read_ready(void *arg)
{
    const db_pool *pool = arg;
    int n = 0;
    for (int i = 0; i < pool->conn_count; i++)
        n += pg_conn_is_ready(pool->conns[i].conn);
    return n;
}

static double read_waiting(void *arg)
{
    return ((const db_pool *)arg)->waiting_count;
}

static void register_metrics(db_pool *pool)
{
    pool->duration = metric_duration("unichat_db_statement_seconds", NULL,
                                     "Time of a statement, waiting for a connection included.");
    pool->refused =
        metric_counter("unichat_db_refused_total", NULL,
                       "Statements refused because the database was away or the pool full.");
    metric_gauge_read("unichat_db_connections", NULL, "Pool connections that are up.", read_ready,
                      pool);
    metric_gauge_read("unichat_db_waiting", NULL, "Statements that wait for a connection.",
                      read_waiting, pool);
}

db_pool *db_pool_new(uv_loop_t *loop, const config *conf)
{
    db_pool *pool = mem_new(db_pool);
    pool->conf = conf;
    pool->conn_count = (int)conf->pool_size;
    pool->open_count = pool->conn_count;
    pool->conns = mem_array((size_t)pool->conn_count, sizeof(pool->conns[0]));
    register_metrics(pool);
    for (int i = 0; i < pool->conn_count; i++) {
        pool_conn *pc = &pool->conns[i];
        char name[24];
        snprintf(name, sizeof(name), "pool-%d", i + 1);
        pc->pool = pool;
        pc->conn = pg_conn_new(loop, conf, name, conf->statement_timeout, &conn_events, pc);
        pg_conn_start(pc->conn);
    }
    uv_timer_init(loop, &pool->sweep);
    pool->sweep.data = pool;
    uv_timer_start(&pool->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    return pool;
}

bool db_query_for(db_pool *pool, const char *account, const db_stmt *stmt,
                  const char *const *values, db_done *done, void *arg)
{
    if (pool->closing || pool->waiting_count >= pool->conf->pool_queue || !db_pool_ready(pool) ||
        !may_wait(pool, account)) {
        metric_add(pool->refused, 1);
        return false;
    }
    enqueue(pool, query_new(stmt, values, done, arg), account);
    dispatch(pool);
    return true;
}

bool db_query(db_pool *pool, const db_stmt *stmt, const char *const *values, db_done *done,
              void *arg)
{
    return db_query_for(pool, NULL, stmt, values, done, arg);
}

bool db_pool_ready(const db_pool *pool)
{
    for (int i = 0; i < pool->conn_count; i++)
        if (pg_conn_is_ready(pool->conns[i].conn))
            return true;
    return false;
}

bool db_error_is_transient(const db_error *error)
{
    /* 54000: the queue of notifications is full. */
    static const char *const classes[] = {"08", "40", "53", "54000", "57P", "57014", "55P03", "58"};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strncmp(error->sqlstate, classes[i], strlen(classes[i])) == 0)
            return true;
    return false;
}

bool db_error_is_timeout(const db_error *error)
{
    return strcmp(error->sqlstate, "57014") == 0;
}

const char *db_text(const PGresult *rows, int row, const char *column)
{
    int n = PQfnumber(rows, column);
    return n < 0 || PQgetisnull(rows, row, n) ? NULL : PQgetvalue(rows, row, n);
}

/* ---- closing ---- */

static void on_sweep_closed(uv_handle_t *handle)
{
    db_pool *pool = handle->data;
    void (*closed)(void *) = pool->closed;
    void *arg = pool->closed_arg;
    free(pool->conns);
    free(pool);
    if (closed)
        closed(arg);
}

static void on_conn_closed(void *arg)
{
    db_pool *pool = arg;
    if (--pool->open_count == 0)
        uv_close((uv_handle_t *)&pool->sweep, on_sweep_closed);
}

/* In a turn of its own, because a connection must not be closed within its own event. */
static void on_close_turn(uv_timer_t *timer)
{
    db_pool *pool = timer->data;
    for (int i = 0; i < pool->conn_count; i++)
        pg_conn_close(pool->conns[i].conn, on_conn_closed, pool);
}

static void close_when_idle(db_pool *pool)
{
    if (!pool->closing || pool->waiting)
        return;
    for (int i = 0; i < pool->conn_count; i++)
        if (pool->conns[i].running)
            return;
    uv_timer_start(&pool->sweep, on_close_turn, 0, 0);
}

void db_pool_close(db_pool *pool, void (*closed)(void *arg), void *arg)
{
    pool->closing = true;
    pool->closed = closed;
    pool->closed_arg = arg;
    close_when_idle(pool);
}
