/* resume.c - see resume.h.
 *
 * A question is a client event with a channel and what the client has of it. It may come before the
 * subscription: then it is remembered, and its run begins with the subscription. That is also what
 * decides who may resume: nobody reads behind a channel that the hub has not let him join.
 *
 * A connection has at most PER_CLIENT_MAX runs, one for a channel, from the question until the
 * subscription is open again. A question is no larger than a client's message (max_frame), so what
 * a connection can have remembered here is bounded.
 */
#include "delivery/resume.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "delivery/channel_map.h"
#include "delivery/resume_answer.h"
#include "delivery/resume_run.h"
#include "hub/follow.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define PER_CLIENT_MAX 32
#define EVENT_RESUME "unichat:resume"

typedef struct client {
    UT_hash_handle hh;
    hub_conn *conn;
    resume_run *runs[PER_CLIENT_MAX]; /* in no order */
    unsigned count;                   /* never 0 */
} client;

struct resumes {
    hub_app *app;
    client *clients; /* by connection; only those that resume */
    resume_runs *runs;
    buf greeting;
};

/* ---- whose they are ---- */

static client *client_of(const resumes *all, const hub_conn *conn)
{
    client *c;
    HASH_FIND_PTR(all->clients, &conn, c);
    return c;
}

/* Its place in the client's runs, or NULL. */
static resume_run **find(client *c, const char *channel)
{
    for (unsigned i = 0; c != NULL && i < c->count; i++)
        if (strcmp(resume_run_channel(c->runs[i]), channel) == 0)
            return &c->runs[i];
    return NULL;
}

static void add(resumes *all, hub_conn *conn, resume_run *run)
{
    client *c = client_of(all, conn);
    if (c == NULL) {
        c = mem_new(client);
        c->conn = conn;
        HASH_ADD_PTR(all->clients, conn, c);
    }
    c->runs[c->count++] = run;
}

static void forget(resumes *all, client *c, resume_run **place)
{
    *place = c->runs[--c->count];
    if (c->count == 0) {
        HASH_DEL(all->clients, c);
        free(c);
    }
}

static void on_ended(void *arg, hub_conn *conn, const char *channel)
{
    client *c = client_of(arg, conn);
    forget(arg, c, find(c, channel));
}

/* ---- questions ---- */

/* NULL: `after` is missing, or not what the channel takes. */
static history *history_wanted(const char *channel, const json_t *data)
{
    const json_t *after = json_object_get(data, "after");
    const char *epoch = json_string_value(json_object_get(data, "epoch"));
    char *player = channel_player(channel);
    history *h = NULL;
    if (player != NULL && json_is_integer(after) && json_integer_value(after) >= 0)
        h = history_of_player(player, json_integer_value(after), epoch);
    else if (player == NULL && channel_is_of_staff(channel) && json_is_string(after))
        h = history_of_staff(json_string_value(after));
    free(player);
    return h;
}

static void start(resumes *all, hub_conn *conn, const char *channel, json_t *after, history *h)
{
    resume_run **old = find(client_of(all, conn), channel);
    resume_run *run = resume_run_new(all->runs, conn, channel, after, h);
    if (old != NULL) {
        resume_run_replace(*old, run);
        *old = run;
    } else {
        add(all, conn, run);
    }
    resume_run_begin(run);
}

static void ask(resumes *all, hub_conn *conn, const char *channel, const json_t *data)
{
    client *c = client_of(all, conn);
    history *h = history_wanted(channel, data);
    if (h == NULL) {
        resume_answer_resync(conn, channel, "unknown");
    } else if (c != NULL && c->count == PER_CLIENT_MAX && find(c, channel) == NULL) {
        resume_answer_resync(conn, channel, "busy");
        history_free(h);
    } else {
        start(all, conn, channel, json_object_get(data, "after"), h);
    }
}

/* ---- the follower ---- */

static void on_client_event(void *arg, hub_conn *conn, const char *event, const json_t *data)
{
    const char *channel = json_string_value(json_object_get(data, "channel"));
    if (strcmp(event, EVENT_RESUME) != 0 || channel == NULL)
        resume_answer_resync(conn, NULL, "unknown");
    else
        ask(arg, conn, channel, data);
}

static const char *greet(void *arg, const char *channel)
{
    resumes *all = arg;
    return resume_answer_greeting(&all->greeting, channel);
}

static void on_subscribed(void *arg, hub_conn *conn, const char *channel)
{
    resume_run **place = find(client_of(arg, conn), channel);
    if (place != NULL)
        resume_run_begin(*place);
}

static void on_live(void *arg, hub_conn *conn, const char *channel, frame *f, const void *what)
{
    resume_run **place = find(client_of(arg, conn), channel);
    if (place != NULL)
        resume_run_take(*place, what, f);
}

static void on_unsubscribed(void *arg, hub_conn *conn, const char *channel)
{
    client *c = client_of(arg, conn);
    resume_run **place = find(c, channel);
    if (place == NULL)
        return;
    resume_run_drop(*place);
    forget(arg, c, place);
}

static void on_disconnected(void *arg, hub_conn *conn)
{
    client *c;
    while ((c = client_of(arg, conn)) != NULL) {
        resume_run_drop(c->runs[0]);
        forget(arg, c, &c->runs[0]);
    }
}

/* ---- life ---- */

static double read_active(void *arg)
{
    const resumes *all = arg;
    const client *c, *tmp;
    double n = 0;
    HASH_ITER (hh, all->clients, c, tmp)
        n += c->count;
    return n;
}

resumes *resume_start(uv_loop_t *loop, const config *conf, db_pool *pool, hub_app *app)
{
    resumes *all = mem_new(resumes);
    all->app = app;
    resume_answer_start();
    all->runs = resume_runs_new(loop, conf, pool, on_ended, all);
    metric_gauge_read("unichat_resumes", NULL, "Resumes asked for and not ended.", read_active,
                      all);
    hub_app_set_follower(app, &(hub_follower){.prefix = "unichat:",
                                              .client_event = on_client_event,
                                              .greeting = greet,
                                              .subscribed = on_subscribed,
                                              .take = on_live,
                                              .unsubscribed = on_unsubscribed,
                                              .disconnected = on_disconnected,
                                              .arg = all});
    return all;
}

void resume_position(resumes *all, const snapshot *s)
{
    resume_runs_published(all->runs, s);
}

void resume_resync_all(resumes *all, const char *reason)
{
    resume_runs_end_all(all->runs);
    resume_answer_everybody(all->app, reason);
}

void resume_stop(resumes *all)
{
    resume_runs_close(all->runs);
    buf_free(&all->greeting);
    free(all);
}
