/* probe.c - see probe.h. */
#include "db/probe.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/rand.h"

#include <stdlib.h>
#include <string.h>

struct probe {
    const config *conf;
    pg_conn *session;
    uv_timer_t timer;
    uint64_t id; /* of this bridge */
    uint64_t count;
    char payload[48]; /* of the one that was sent last */
    bool live;
    bool under_way;
    bool heard; /* anything, since it was looked at */
    uint64_t sent_ms;
    uint64_t back_ms;
    metric *failures;
    void (*closed)(void *arg);
    void *closed_arg;
};

static void on_time(uv_timer_t *timer);

static void look_again(probe *p, int64_t ms)
{
    uv_timer_start(&p->timer, on_time, (uint64_t)ms, 0);
}

static void send_probe(probe *p)
{
    PGconn *pg = pg_conn_raw(p->session);
    const char *values[] = {p->payload};
    snprintf(p->payload, sizeof(p->payload), "%016llx %llu", (unsigned long long)p->id,
             (unsigned long long)++p->count);
    if (!PQsendQueryParams(pg, "SELECT unichat_notify('probe', $1)", 1, NULL, values, NULL, NULL,
                           0)) {
        pg_conn_fail(p->session, PQerrorMessage(pg));
        return;
    }
    pg_conn_flush(p->session);
    p->under_way = true;
    p->heard = false;
    p->sent_ms = clock_monotonic_ms();
    look_again(p, p->conf->probe_timeout);
}

static void give_up(probe *p)
{
    metric_add(p->failures, 1);
    log_error_as(pg_conn_who(p->session), "event=listening_in_vain hint=%s",
                 LOG_Q("the session does not get its own notifications: a pooler in between must "
                       "be in session mode (pgbouncer: pool_mode=session); once after a new "
                       "extension or secret is normal"));
    pg_conn_fail(p->session, "the session does not get its own notifications");
}

/* A probe may be back before its statement has ended. */
static bool can_send(const probe *p)
{
    return !p->under_way && PQtransactionStatus(pg_conn_raw(p->session)) == PQTRANS_IDLE;
}

static void on_time(uv_timer_t *timer)
{
    probe *p = timer->data;
    if (can_send(p)) {
        send_probe(p);
    } else if (p->heard) { /* very many are before it in the queue */
        p->heard = false;
        look_again(p, p->conf->probe_timeout);
    } else {
        give_up(p);
    }
}

probe *probe_new(uv_loop_t *loop, const config *conf, pg_conn *session)
{
    probe *p = mem_new(probe);
    p->conf = conf;
    p->session = session;
    rand_bytes(&p->id, sizeof(p->id));
    p->failures = metric_counter("unichat_listen_probe_failures_total", NULL,
                                 "Listening sessions replaced because they heard nothing.");
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    return p;
}

void probe_begin(probe *p)
{
    p->live = true;
    look_again(p, p->conf->probe_interval);
}

void probe_end(probe *p)
{
    p->live = p->under_way = false;
    p->back_ms = 0;
    uv_timer_stop(&p->timer);
}

void probe_hears(probe *p)
{
    p->heard = true;
}

void probe_came(probe *p, const char *payload)
{
    if (!p->under_way || strcmp(payload, p->payload) != 0)
        return;
    p->under_way = false;
    p->back_ms = p->sent_ms;
    look_again(p, p->conf->probe_interval);
}

void probe_now(probe *p)
{
    if (p->live && can_send(p))
        send_probe(p);
}

uint64_t probe_back_ms(const probe *p)
{
    return p->back_ms;
}

static void on_closed(uv_handle_t *handle)
{
    probe *p = handle->data;
    void (*closed)(void *) = p->closed;
    void *arg = p->closed_arg;
    free(p);
    closed(arg);
}

void probe_close(probe *p, void (*closed)(void *arg), void *arg)
{
    p->closed = closed;
    p->closed_arg = arg;
    uv_close((uv_handle_t *)&p->timer, on_closed);
}
