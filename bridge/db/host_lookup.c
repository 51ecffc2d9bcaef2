/* host_lookup.c - see host_lookup.h.
 *
 * libpq looks a name up where it connects, and its caller waits for as long as a silent resolver
 * takes to be given up: every socket of the bridge would stand still, once for each connection and
 * attempt. So libuv's helper threads look the names up, and libpq gets addresses (hostaddr); the
 * names stay beside them, for certificates and password files.
 *
 *     name a: asked ──▶ answered ──▶ its addresses     \
 *     name b: asked ──▶ no answer in time ──▶ left out   ▶ done, in the configured order
 *     address, socket: as it is                         /
 *
 * A question that is given up still runs in its thread, if one has begun with it; those that wait
 * for a thread are taken back. So no more than these few threads ever wait for a resolver, whatever
 * the number of connections and attempts. What they are told is freed when it comes, and so is the
 * lookup.
 */
#include "db/host_lookup.h"
#include "base/log.h"
#include "base/mem.h"

#include <netdb.h>
#include <stdlib.h>

typedef struct question {
    uv_getaddrinfo_t request;
    host_lookup *lookup;
    bool asked; /* and not answered yet */
    int status;
    struct addrinfo *answer;
} question;

struct host_lookup {
    uv_loop_t *loop;
    const char *who;
    db_hosts configured;
    question *questions; /* one for each of these */
    unsigned waiting;    /* for so many answers */
    bool timer_open;
    uv_timer_t timer;
    host_lookup_done *done; /* NULL: called, or cancelled */
    void *arg;
};

static void free_when_over(host_lookup *l)
{
    if (l->waiting > 0 || l->timer_open)
        return;
    for (size_t i = 0; i < l->configured.count; i++)
        uv_freeaddrinfo(l->questions[i].answer);
    free(l->questions);
    db_hosts_clear(&l->configured);
    free(l);
}

static void on_timer_closed(uv_handle_t *handle)
{
    host_lookup *l = handle->data;
    l->timer_open = false;
    free_when_over(l);
}

void host_lookup_cancel(host_lookup *l)
{
    l->done = NULL;
    for (size_t i = 0; i < l->configured.count; i++)
        if (l->questions[i].asked)
            uv_cancel((uv_req_t *)&l->questions[i].request);
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}

/* ---- the answers ---- */

static const char *reason_of(const question *q)
{
    return q->asked ? "the resolver does not answer in time" : uv_strerror(q->status);
}

static void add_addresses(db_hosts *hosts, const db_host *host, const struct addrinfo *answer)
{
    for (const struct addrinfo *a = answer; a; a = a->ai_next) {
        char text[NI_MAXHOST];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) ==
            0)
            db_hosts_add(hosts, host->name, text, host->port);
    }
}

static void finish(host_lookup *l)
{
    db_hosts found = {0};
    const char *problem = NULL;
    for (size_t i = 0; i < l->configured.count; i++) {
        const db_host *host = &l->configured.items[i];
        const question *q = &l->questions[i];
        if (!db_host_is_name(host)) {
            db_hosts_add(&found, host->name, host->address, host->port);
        } else if (q->asked || q->status != 0) {
            problem = reason_of(q);
            log_warning_as(l->who, "event=database_host_unknown host=%s reason=%s",
                           LOG_Q(host->name), LOG_Q(problem));
        } else {
            add_addresses(&found, host, q->answer);
        }
    }
    l->done(l->arg, &found, found.count > 0 ? NULL : problem);
    db_hosts_clear(&found);
    host_lookup_cancel(l);
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *answer)
{
    question *q = request->data;
    host_lookup *l = q->lookup;
    q->asked = false;
    q->status = status;
    q->answer = answer;
    l->waiting--;
    if (!l->done)
        free_when_over(l);
    else if (l->waiting == 0)
        finish(l);
}

static void on_timer(uv_timer_t *timer)
{
    finish(timer->data);
}

/* ---- the questions ---- */

static void ask(host_lookup *l, size_t i)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    question *q = &l->questions[i];
    q->lookup = l;
    q->request.data = q;
    q->status =
        uv_getaddrinfo(l->loop, &q->request, on_answer, l->configured.items[i].name, NULL, &hints);
    q->asked = q->status == 0;
    l->waiting += q->asked;
}

host_lookup *host_lookup_start(uv_loop_t *loop, const char *who, const char *database,
                               uint64_t timeout_ms, host_lookup_done *done, void *arg)
{
    host_lookup *l = mem_new(host_lookup);
    l->loop = loop;
    l->who = who;
    l->done = done;
    l->arg = arg;
    db_hosts_read(&l->configured, database);
    l->questions = mem_array(l->configured.count, sizeof(l->questions[0]));
    uv_timer_init(loop, &l->timer);
    l->timer_open = true;
    l->timer.data = l;
    for (size_t i = 0; i < l->configured.count; i++)
        if (db_host_is_name(&l->configured.items[i]))
            ask(l, i);
    uv_timer_start(&l->timer, on_timer, l->waiting > 0 ? timeout_ms : 0, 0);
    return l;
}
