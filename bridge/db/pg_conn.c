/* pg_conn.c - see pg_conn.h.
 *
 * libpq works on sockets that it opens and closes itself: while it connects it may close one and
 * open the next (another host, another address, a retry without TLS), and when it reads or writes
 * and the connection turns out to be broken, it closes it there and then:
 *
 *     PQconsumeInput(): broken, close(7)
 *                                          accept() -> 7, a client; but 7 is still watched
 *     the handle on 7 is given up
 *
 * So a handle watches a duplicate of the descriptor that is its own, whose number nobody else gets
 * while the handle lives. It is given up before every PQconnectPoll() and made anew after it, and
 * before PQfinish().
 *
 * PQconnectPoll() knows no time limit, and libpq has no call for "try the next host". When a step
 * takes longer than connect_timeout, the socket is shut down under it: libpq sees a failed host and
 * goes on with the next, or fails; then the next attempt begins with the next host (host_order.h).
 *
 * PQconnectStart() would look host names up and wait for the resolver. So it gets addresses, which
 * are looked up before (host_lookup.h).
 *
 * Not done here: reading results. The owner does that in input().
 */
#include "db/pg_conn.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "db/host_lookup.h"
#include "db/session.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_RETRY_MS 100

typedef enum conn_state {
    CONN_CLOSED,
    CONN_WAITING,    /* the timer will connect */
    CONN_LOOKING_UP, /* the hosts' addresses */
    CONN_CONNECTING, /* PQconnectPoll */
    CONN_PREPARING,  /* the session's first statement runs */
    CONN_READY,
    CONN_FAILING, /* given up; the timer will clear it away */
} conn_state;

typedef struct watcher {
    uv_poll_t handle;
    int fd; /* a duplicate of PQsocket(pg) */
} watcher;

struct pg_conn {
    uv_loop_t *loop;
    const config *conf;
    char *who;
    char *application_name;
    int64_t statement_timeout_ms;
    const pg_conn_events *events;
    void *arg;

    conn_state state;
    PGconn *pg;
    watcher *poll; /* NULL between two sockets */
    int poll_events;
    uv_timer_t timer; /* the state's own: retry, step limit, clearing away */
    uint64_t retry_ms;
    char *fail_reason;
    session_info info;
    host_lookup *lookup; /* while LOOKING_UP */
    unsigned first_host; /* of the next attempt */
    bool was_ready;

    void (*closed)(void *arg);
    void *closed_arg;
};

static void on_poll(uv_poll_t *handle, int status, int events);
static void on_timer(uv_timer_t *timer);
static void lose(pg_conn *c, const char *why);

/* ---- the poll handle ---- */

static void free_watcher(uv_handle_t *handle)
{
    watcher *w = handle->data;
    close(w->fd);
    free(w);
}

static void unwatch(pg_conn *c)
{
    if (!c->poll)
        return;
    uv_poll_stop(&c->poll->handle);
    c->poll->handle.data = c->poll;
    uv_close((uv_handle_t *)&c->poll->handle, free_watcher);
    c->poll = NULL;
}

static watcher *watcher_new(pg_conn *c)
{
    watcher *w = mem_new(watcher);
    w->fd = fcntl(PQsocket(c->pg), F_DUPFD_CLOEXEC, 0);
    if (w->fd >= 0 && uv_poll_init(c->loop, &w->handle, w->fd) == 0) {
        w->handle.data = c;
        return w;
    }
    if (w->fd >= 0)
        close(w->fd);
    free(w);
    return NULL;
}

static bool watch(pg_conn *c, int events)
{
    if (!c->poll) {
        c->poll = watcher_new(c);
        c->poll_events = 0;
    }
    if (!c->poll)
        return false;
    if (events != c->poll_events && uv_poll_start(&c->poll->handle, events, on_poll) != 0)
        return false;
    c->poll_events = events;
    return true;
}

/* ---- connecting ---- */

static void set_timer(pg_conn *c, uint64_t ms)
{
    uv_timer_start(&c->timer, on_timer, ms, 0);
}

static void retry_later(pg_conn *c)
{
    c->state = CONN_WAITING;
    set_timer(c, rand_jitter(c->retry_ms, 25));
    c->retry_ms *= 2;
    if (c->retry_ms > (uint64_t)c->conf->reconnect_max)
        c->retry_ms = (uint64_t)c->conf->reconnect_max;
}

static const char *pg_reason(PGconn *pg)
{
    return pg ? PQerrorMessage(pg) : "out of memory";
}

static void start_session(pg_conn *c)
{
    c->state = CONN_PREPARING;
    PQsetnonblocking(c->pg, 1);
    if (!session_send_setup(c->pg, c->conf, c->statement_timeout_ms, &c->info)) {
        lose(c, pg_reason(c->pg));
        return;
    }
    pg_conn_flush(c);
}

static void connect_step(pg_conn *c)
{
    unwatch(c);
    PostgresPollingStatusType next = PQconnectPoll(c->pg);
    set_timer(c, (uint64_t)c->conf->connect_timeout);
    switch (next) {
    case PGRES_POLLING_OK:
        start_session(c);
        break;
    case PGRES_POLLING_READING:
    case PGRES_POLLING_WRITING:
        if (!watch(c, next == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE))
            lose(c, "cannot watch the socket");
        break;
    default:
        lose(c, pg_reason(c->pg));
    }
}

static void connect_to(pg_conn *c, const db_hosts *hosts)
{
    host_order order = host_order_of(hosts, c->first_host);
    c->state = CONN_CONNECTING;
    c->pg = session_connect_start(c->conf, &order, c->application_name);
    host_order_clear(&order);
    if (!c->pg || PQstatus(c->pg) == CONNECTION_BAD) {
        lose(c, pg_reason(c->pg));
        return;
    }
    /* As libpq asks for: wait until writable before the first PQconnectPoll(). */
    set_timer(c, (uint64_t)c->conf->connect_timeout);
    if (!watch(c, UV_WRITABLE))
        lose(c, "cannot watch the socket");
}

static void on_looked_up(void *arg, const db_hosts *hosts, const char *problem)
{
    pg_conn *c = arg;
    c->lookup = NULL;
    if (problem)
        lose(c, problem);
    else
        connect_to(c, hosts);
}

static void connect_now(pg_conn *c)
{
    c->state = CONN_LOOKING_UP;
    c->lookup = host_lookup_start(c->loop, c->who, c->conf->database,
                                  (uint64_t)c->conf->connect_timeout, on_looked_up, c);
}

static void stop_looking_up(pg_conn *c)
{
    if (c->lookup)
        host_lookup_cancel(c->lookup);
    c->lookup = NULL;
}

static void finish_session(pg_conn *c)
{
    if (!session_read_setup(c->pg, &c->info))
        return;
    if (*c->info.problem != '\0') {
        lose(c, c->info.problem);
        return;
    }
    uv_timer_stop(&c->timer);
    c->state = CONN_READY;
    c->was_ready = true;
    c->first_host = 0;
    log_info_as(c->who, "event=database_connected host=%s port=%s backend=%d server=%s schema=%s",
                LOG_Q(PQhost(c->pg)), PQport(c->pg), PQbackendPID(c->pg), c->info.server_version,
                LOG_Q(c->info.schema));
    session_warn_about_version(c->pg, c->who);
    c->events->ready(c->arg);
}

/* ---- losing ---- */

/* Frees the session and goes on to wait. The reason may lie in the PGconn's own memory. */
static void lose(pg_conn *c, const char *why)
{
    bool was_ready = c->was_ready;
    char reason[300];
    size_t len = strlen(why);
    while (len > 0 && why[len - 1] == '\n') /* libpq's messages end so */
        len--;
    snprintf(reason, sizeof(reason), "%.*s", (int)len, why);
    log_warning_as(c->who, "event=database_%s retry_ms=%llu reason=%s",
                   was_ready ? "lost" : "unreachable", (unsigned long long)c->retry_ms,
                   LOG_Q(reason));
    c->state = CONN_FAILING;
    c->was_ready = false;
    if (was_ready)
        c->events->lost(c->arg, reason);
    stop_looking_up(c);
    unwatch(c);
    PQfinish(c->pg);
    c->pg = NULL;
    retry_later(c);
}

void pg_conn_fail(pg_conn *c, const char *why)
{
    if (c->state == CONN_CLOSED || c->state == CONN_WAITING || c->state == CONN_FAILING)
        return;
    stop_looking_up(c);
    c->state = CONN_FAILING;
    mem_replace(&c->fail_reason, why);
    set_timer(c, 0);
}

static void on_timer(uv_timer_t *timer)
{
    pg_conn *c = timer->data;
    switch (c->state) {
    case CONN_WAITING:
        connect_now(c);
        break;
    case CONN_CONNECTING:
        /* The step took too long. Its socket will report the shutdown, and libpq tries the next
         * host. */
        log_warning_as(c->who, "event=database_host_timeout host=%s", LOG_Q(PQhost(c->pg)));
        c->first_host++;
        shutdown(PQsocket(c->pg), SHUT_RDWR);
        set_timer(c, (uint64_t)c->conf->connect_timeout);
        break;
    case CONN_PREPARING:
        lose(c, "the session's first statement was not answered in time");
        break;
    case CONN_FAILING:
        lose(c, c->fail_reason);
        break;
    default:
        break;
    }
}

/* ---- a live session ---- */

void pg_conn_flush(pg_conn *c)
{
    int left = PQflush(c->pg);
    if (left < 0)
        pg_conn_fail(c, pg_reason(c->pg));
    else if (!watch(c, UV_READABLE | (left > 0 ? UV_WRITABLE : 0)))
        pg_conn_fail(c, "cannot watch the socket");
}

static void take_input(pg_conn *c)
{
    if (!PQconsumeInput(c->pg)) {
        /* What came before the end of the connection counts: the owner may find whole answers and
         * notifications. */
        char *why = mem_strdup(pg_reason(c->pg));
        if (c->state == CONN_READY)
            c->events->input(c->arg);
        pg_conn_fail(c, why);
        free(why);
        return;
    }
    if (c->state == CONN_PREPARING)
        finish_session(c);
    else if (c->state == CONN_READY)
        c->events->input(c->arg);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    pg_conn *c = handle->data;
    if (c->state == CONN_CONNECTING) {
        connect_step(c);
        return;
    }
    if (c->state == CONN_FAILING)
        return;
    if (status < 0 || (events & UV_READABLE) != 0)
        take_input(c);
    if ((events & UV_WRITABLE) != 0 && (c->state == CONN_READY || c->state == CONN_PREPARING))
        pg_conn_flush(c);
}

/* ---- life ---- */

pg_conn *pg_conn_new(uv_loop_t *loop, const config *conf, const char *name,
                     int64_t statement_timeout_ms, const pg_conn_events *events, void *arg)
{
    pg_conn *c = mem_new(pg_conn);
    c->loop = loop;
    c->conf = conf;
    c->who = mem_printf("db=%s", name);
    c->application_name = mem_printf("unichat-bridge %s", name);
    c->statement_timeout_ms = statement_timeout_ms;
    c->events = events;
    c->arg = arg;
    c->retry_ms = FIRST_RETRY_MS;
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    return c;
}

void pg_conn_start(pg_conn *c)
{
    c->state = CONN_WAITING;
    set_timer(c, 0);
}

bool pg_conn_is_ready(const pg_conn *c)
{
    return c->state == CONN_READY;
}

void pg_conn_healthy(pg_conn *c)
{
    c->retry_ms = FIRST_RETRY_MS;
}

const char *pg_conn_who(const pg_conn *c)
{
    return c->who;
}

PGconn *pg_conn_raw(pg_conn *c)
{
    return c->pg;
}

static void on_timer_closed(uv_handle_t *handle)
{
    pg_conn *c = handle->data;
    void (*closed)(void *) = c->closed;
    void *arg = c->closed_arg;
    free(c->who);
    free(c->application_name);
    free(c->fail_reason);
    free(c);
    if (closed)
        closed(arg);
}

void pg_conn_close(pg_conn *c, void (*closed)(void *arg), void *arg)
{
    c->state = CONN_CLOSED;
    c->closed = closed;
    c->closed_arg = arg;
    stop_looking_up(c);
    unwatch(c);
    PQfinish(c->pg);
    c->pg = NULL;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}
