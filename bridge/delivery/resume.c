/* resume.c - see resume.h.
 *
 * A question is a client event with a channel and what the client has of it. It may come before the
 * subscription: then it is remembered, and its run begins with the subscription. That is also what
 * decides who may resume: nobody reads behind a channel that the hub has not let him join.
 *
 * A channel of a connection has one run, from the question until the subscription is open again.
 *
 *     question ──▶ under way ──▶ answered ──▶ subscription open
 *                  at most       as many as it
 *                  UNDER_WAY_MAX has subscriptions
 *
 * What is under way costs: a question that is remembered, pages, live events held back. Anybody may
 * ask before he has proven anything, so what is remembered of a question is small: a channel's
 * name, an epoch, a position, each with a limit of its own. What is answered is over for the
 * client; its run only sifts live events until the next audit, so it does not count.
 */
#include "delivery/resume.h"
#include "base/hash_table.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "delivery/channel_map.h"
#include "delivery/resume_answer.h"
#include "delivery/resume_run.h"
#include "hub/follow.h"

#include <stdlib.h>
#include <string.h>

#define UNDER_WAY_MAX 32
#define EPOCH_MAX 64 /* of unichat_epoch(): two numbers */
#define EVENT_RESUME "unichat:resume"

typedef struct client client;

typedef struct place {
    UT_hash_handle hh;
    client *owner;
    resume_run *run;
    char channel[];
} place;

struct client {
    UT_hash_handle hh;
    hub_conn *conn;
    place *places; /* by channel; never none */
};

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

static place *find(const resumes *all, const hub_conn *conn, const char *channel)
{
    client *c = client_of(all, conn);
    place *p = NULL;
    if (c)
        HASH_FIND_STR(c->places, channel, p);
    return p;
}

static void add(resumes *all, hub_conn *conn, const char *channel, resume_run *run)
{
    client *c = client_of(all, conn);
    place *p = mem_alloc(sizeof(*p) + strlen(channel) + 1);
    if (!c) {
        c = mem_new(client);
        c->conn = conn;
        HASH_ADD_PTR(all->clients, conn, c);
    }
    strcpy(p->channel, channel);
    p->run = run;
    p->owner = c;
    HASH_ADD_STR(c->places, channel, p);
}

static void forget(resumes *all, place *p)
{
    client *c = p->owner;
    HASH_DEL(c->places, p);
    free(p);
    if (!c->places) {
        HASH_DEL(all->clients, c);
        free(c);
    }
}

static void on_ended(void *arg, hub_conn *conn, const char *channel)
{
    place *p = find(arg, conn, channel);
    if (p)
        forget(arg, p);
}

static unsigned under_way(const client *c)
{
    const place *p, *tmp;
    unsigned n = 0;
    HASH_ITER (hh, c->places, p, tmp)
        n += !resume_run_is_answered(p->run);
    return n;
}

static bool may_ask(const resumes *all, const hub_conn *conn, const char *channel)
{
    const client *c = client_of(all, conn);
    return !c || find(all, conn, channel) || under_way(c) < UNDER_WAY_MAX;
}

/* ---- questions ---- */

/* NULL: `after` is missing, or not what the channel takes, or a field is too long; *field says
 * which. */
static history *history_wanted(const char *channel, const json_t *data, const char **field)
{
    const json_t *after = json_object_get(data, "after");
    const char *epoch = json_string_value(json_object_get(data, "epoch"));
    *field = epoch && strlen(epoch) > EPOCH_MAX ? "epoch" : "after";
    if (strcmp(*field, "epoch") == 0)
        return NULL;
    char *player = channel_player(channel);
    history *h = NULL;
    if (player && json_is_integer(after) && json_integer_value(after) >= 0)
        h = history_of_player(player, json_integer_value(after), epoch);
    else if (!player && channel_is_of_staff(channel) && json_is_string(after))
        h = history_of_staff(json_string_value(after));
    free(player);
    return h;
}

static void start(resumes *all, hub_conn *conn, const char *channel, json_t *after, history *h)
{
    place *old = find(all, conn, channel);
    resume_run *run = resume_run_new(all->runs, conn, channel, after, h);
    if (old) {
        resume_run_replace(old->run, run);
        old->run = run;
    } else {
        add(all, conn, channel, run);
    }
    resume_run_begin(run);
}

static void ask(resumes *all, hub_conn *conn, const char *channel, const json_t *data)
{
    const char *field;
    history *h = history_wanted(channel, data, &field);
    if (!h) {
        resume_answer_resync(conn, channel, "unknown", field);
    } else if (!may_ask(all, conn, channel)) {
        resume_answer_resync(conn, channel, "busy", NULL);
        history_free(h);
    } else {
        start(all, conn, channel, json_object_get(data, "after"), h);
    }
}

/* ---- the follower ---- */

static void on_client_event(void *arg, hub_conn *conn, const char *event, const json_t *data)
{
    const char *channel = json_string_value(json_object_get(data, "channel"));
    if (strcmp(event, EVENT_RESUME) != 0)
        resume_answer_resync(conn, NULL, "unknown", NULL);
    else if (!channel || strlen(channel) >= CHANNEL_NAME_SIZE)
        resume_answer_resync(conn, NULL, "unknown", "channel");
    else
        ask(arg, conn, channel, data);
}

/* Who has asked keeps the position that he asked with until he is answered: were he told the one of
 * now, and cut off before the answer, he would ask with that the next time, and miss what lies
 * between. */
static const char *greet(void *arg, hub_conn *conn, const char *channel)
{
    resumes *all = arg;
    bool asked = find(all, conn, channel);
    return resume_answer_greeting(&all->greeting, channel, !asked);
}

static void on_subscribed(void *arg, hub_conn *conn, const char *channel)
{
    place *p = find(arg, conn, channel);
    if (p)
        resume_run_begin(p->run);
}

static void on_live(void *arg, hub_conn *conn, const char *channel, frame *f, const void *what)
{
    place *p = find(arg, conn, channel);
    if (p)
        resume_run_take(p->run, what, f);
}

static void drop(resumes *all, place *p)
{
    resume_run_drop(p->run);
    forget(all, p);
}

static void on_unsubscribed(void *arg, hub_conn *conn, const char *channel)
{
    place *p = find(arg, conn, channel);
    if (p)
        drop(arg, p);
}

static void on_disconnected(void *arg, hub_conn *conn)
{
    client *c;
    while ((c = client_of(arg, conn)))
        drop(arg, c->places);
}

/* ---- life ---- */

static double read_active(void *arg)
{
    const resumes *all = arg;
    const client *c, *tmp;
    double n = 0;
    HASH_ITER (hh, all->clients, c, tmp)
        n += under_way(c);
    return n;
}

resumes *resume_start(uv_loop_t *loop, const config *conf, db_pool *pool, hub_app *app)
{
    resumes *all = mem_new(resumes);
    all->app = app;
    resume_answer_start();
    all->runs = resume_runs_new(loop, conf, pool, on_ended, all);
    metric_gauge_read("unichat_resumes", NULL, "Resumes asked for and not answered.", read_active,
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
