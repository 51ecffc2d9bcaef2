/* resume_run.c - see resume_run.h.
 *
 *     not begun ──subscribed──▶ queued ──slot free──▶ reading ──page──▶ taking
 *                                ▲ ▲                                      │
 *                                │ └──── full page, or late events lost ──┤
 *                                └────── paused ◀── no room, no answer ───┤
 *                                                                         │
 *                                              freed ◀── sifting ◀────────┘ the end
 *
 * The subscription is held from queued to sifting: live events come by resume_run_take(). What
 * becomes of them is drawn in seam.c. While sifting, what is published goes out unless the
 * history has handed it out before.
 *
 * While the pool is away, or takes nothing more, the queued stay where they are, and one of them
 * tries again after a pause that grows: as many as they are, they cost the pool one question.
 *
 * A run that is dropped while it reads is freed when its page is there.
 */
#include "delivery/resume_run.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "delivery/delivery.h"
#include "delivery/resume_answer.h"
#include "delivery/seam.h"
#include "hub/follow.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define PAUSE_MS 20
#define RETRY_MIN_MS 20
#define RETRY_MAX_MS 500

typedef enum run_state {
    RUN_NOT_BEGUN,
    RUN_QUEUED,
    RUN_READING,
    RUN_TAKING,
    RUN_PAUSED,
    RUN_SIFTING,
} run_state;

struct resume_run {
    resume_run *prev, *next; /* in all.queued, all.paused or all.sifting */
    resume_runs *all;
    hub_conn *conn; /* NULL: dropped while reading */
    char *channel;
    json_t *after;        /* as the client gave it */
    const char *position; /* staff: its text */
    history *history;
    seam *seam;
    run_state state;
    size_t wanted; /* bytes that its client had no room for, or 0 */
    unsigned sent;
};

struct resume_runs {
    db_pool *pool;
    resume_ended *ended;
    void *ended_arg;
    resume_run *queued, *paused, *sifting;
    unsigned reading, reading_max;
    size_t backlog_max; /* bytes that may wait for one client while it resumes */
    uv_timer_t timer;   /* of the paused */
    uv_timer_t retry;   /* of the queued, when the pool has taken none */
    uint64_t retry_ms;
    int open_timers;
    metric *events;
};

static void pump(resume_runs *all);

/* ---- states ---- */

static resume_run **list_of(resume_runs *all, run_state state)
{
    switch (state) {
    case RUN_QUEUED:
        return &all->queued;
    case RUN_PAUSED:
        return &all->paused;
    case RUN_SIFTING:
        return &all->sifting;
    default:
        return NULL;
    }
}

static void move_to(resume_run *r, run_state state)
{
    resume_run **from = list_of(r->all, r->state), **to = list_of(r->all, state);
    if (from)
        DL_DELETE(*from, r);
    r->all->reading -= r->state == RUN_READING;
    r->state = state;
    r->all->reading += r->state == RUN_READING;
    if (to)
        DL_APPEND(*to, r);
}

static void run_free(resume_run *r)
{
    move_to(r, RUN_NOT_BEGUN);
    seam_free(r->seam);
    history_free(r->history);
    free(r->channel);
    json_decref(r->after);
    free(r);
}

/* ---- pauses ---- */

static void on_timer(uv_timer_t *timer);

static void keep_time(resume_runs *all)
{
    if (all->paused && !uv_is_active((uv_handle_t *)&all->timer))
        uv_timer_start(&all->timer, on_timer, PAUSE_MS, 0);
}

static void pause_run(resume_run *r)
{
    move_to(r, RUN_PAUSED);
    keep_time(r->all);
}

/* Whether the client's queue takes `bytes` more now; otherwise they are wanted. An empty one takes
 * anything. */
static bool has_room(resume_run *r, size_t bytes)
{
    size_t backlog = hub_backlog(r->conn);
    bool room = backlog == 0 || backlog + bytes <= r->all->backlog_max;
    r->wanted = room ? 0 : bytes;
    return room;
}

/* Who waits for its client goes on when there is room: a page that nobody can take is not read. */
static void on_timer(uv_timer_t *timer)
{
    resume_runs *all = timer->data;
    resume_run *r, *tmp;
    DL_FOREACH_SAFE (all->paused, r, tmp)
        if (has_room(r, r->wanted))
            move_to(r, RUN_QUEUED);
    pump(all);
    keep_time(all);
}

/* ---- the end ---- */

static void open_subscription(resume_run *r)
{
    hub_hold(r->conn, r->channel, false);
    r->all->ended(r->all->ended_arg, r->conn, r->channel);
    run_free(r);
}

static void send_late(void *conn, frame *f)
{
    hub_send_frame(conn, f);
}

static void finish(resume_run *r)
{
    r->sent += seam_end(r->seam, send_late, r->conn);
    resume_answer_resumed(
        r->conn, &(resume_summary){r->channel, r->after, r->sent, history_epoch(r->history)});
    move_to(r, RUN_SIFTING);
}

static void finish_with_resync(resume_run *r, const char *why)
{
    resume_answer_resync(r->conn, r->channel, why, NULL);
    seam_release(r->seam, send_late, r->conn);
    open_subscription(r);
}

/* ---- taking a page ---- */

/* False: not now. */
static bool send_event(resume_run *r, const db_event *e)
{
    delivery_names names;
    if (!delivery_names_of(e, &names))
        return true;
    char *data = delivery_data_of(e, r->position);
    bool room = has_room(r, strlen(data));
    if (room) {
        hub_send(r->conn, r->channel, r->position ? names.staff : names.player, data, strlen(data));
        r->sent++;
        metric_add(r->all->events, 1);
    }
    free(data);
    return room;
}

/* False: the client could not take all of it. */
static bool send_page(resume_run *r, const PGresult *rows)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        db_event e;
        if (!history_row(r->history, rows, i, &e))
            continue;
        bool sent = send_event(r, &e);
        if (sent)
            history_advance(r->history, e.player_id, e.seq);
        db_event_clear(&e);
        if (!sent)
            return false;
    }
    return true;
}

static void go_on(resume_run *r, history_verdict verdict)
{
    if (verdict == HISTORY_MORE) {
        move_to(r, RUN_QUEUED);
    } else if (seam_lost(r->seam)) {
        history_again(r->history);
        move_to(r, RUN_QUEUED);
    } else if (!has_room(r, seam_bytes(r->seam))) {
        pause_run(r);
    } else {
        finish(r);
    }
}

static void take_page(resume_run *r, const db_result *page)
{
    const char *why;
    history_verdict verdict = history_judge(r->history, page, delivery_epoch(), &why);
    if (verdict == HISTORY_RESYNC)
        finish_with_resync(r, why);
    else if (verdict == HISTORY_RETRY || !send_page(r, page->rows))
        pause_run(r);
    else
        go_on(r, verdict);
}

static void on_page(void *arg, const db_result *page)
{
    resume_run *r = arg;
    resume_runs *all = r->all;
    move_to(r, RUN_TAKING);
    if (!r->conn)
        run_free(r);
    else
        take_page(r, page);
    pump(all);
}

static void on_retry(uv_timer_t *timer)
{
    pump(timer->data);
}

static void retry_later(resume_runs *all)
{
    uv_timer_start(&all->retry, on_retry, all->retry_ms, 0);
    all->retry_ms = all->retry_ms < RETRY_MAX_MS / 2 ? all->retry_ms * 2 : RETRY_MAX_MS;
}

/* A pool that is away is not asked: it would count a refusal each time. */
static bool read_page(resume_run *r)
{
    return delivery_epoch() && db_pool_ready(r->all->pool) &&
           history_read(r->history, r->all->pool, on_page, r);
}

/* Those who wait read, as many at once as may. */
static void pump(resume_runs *all)
{
    if (uv_is_active((uv_handle_t *)&all->retry))
        return;
    while (all->queued && all->reading < all->reading_max) {
        if (!read_page(all->queued)) {
            retry_later(all);
            return;
        }
        move_to(all->queued, RUN_READING);
        all->retry_ms = RETRY_MIN_MS;
    }
}

/* ---- one run ---- */

resume_run *resume_run_new(resume_runs *all, hub_conn *conn, const char *channel, json_t *after,
                           history *h)
{
    resume_run *r = mem_new(resume_run);
    r->all = all;
    r->conn = conn;
    r->channel = mem_strdup(channel);
    r->after = json_incref(after);
    r->position = json_string_value(after);
    r->history = h;
    r->seam = seam_new(h, all->backlog_max);
    return r;
}

void resume_run_begin(resume_run *r)
{
    if (r->state != RUN_NOT_BEGUN || !hub_hold(r->conn, r->channel, true))
        return;
    move_to(r, RUN_QUEUED);
    pump(r->all);
}

void resume_run_replace(resume_run *old, resume_run *fresh)
{
    seam_move(old->seam, fresh->seam);
    resume_run_drop(old);
}

void resume_run_drop(resume_run *r)
{
    r->conn = NULL;
    if (r->state != RUN_READING)
        run_free(r);
}

void resume_run_take(resume_run *r, const db_event *e, frame *f)
{
    if (!seam_take(r->seam, e->player_id, e->seq, f))
        return;
    hub_send_frame(r->conn, f);
    r->sent++;
}

bool resume_run_is_answered(const resume_run *r)
{
    return r->state == RUN_SIFTING;
}

/* ---- all of them ---- */

resume_runs *resume_runs_new(uv_loop_t *loop, const config *conf, db_pool *pool,
                             resume_ended *ended, void *arg)
{
    resume_runs *all = mem_new(resume_runs);
    all->pool = pool;
    all->ended = ended;
    all->ended_arg = arg;
    all->reading_max = conf->pool_size > 1 ? (unsigned)conf->pool_size / 2 : 1;
    all->backlog_max = (size_t)conf->max_queue / 4;
    uv_timer_init(loop, &all->timer);
    all->timer.data = all;
    uv_timer_init(loop, &all->retry);
    all->retry.data = all;
    all->retry_ms = RETRY_MIN_MS;
    all->events = metric_counter("unichat_resume_events_total", NULL,
                                 "Events sent from the table to clients that resumed.");
    return all;
}

static void on_closed(uv_handle_t *handle)
{
    resume_runs *all = handle->data;
    if (--all->open_timers == 0)
        free(all);
}

void resume_runs_close(resume_runs *all)
{
    all->open_timers = 2;
    uv_close((uv_handle_t *)&all->timer, on_closed);
    uv_close((uv_handle_t *)&all->retry, on_closed);
}

void resume_runs_published(resume_runs *all, const snapshot *s)
{
    resume_run *r, *tmp;
    DL_FOREACH_SAFE (all->sifting, r, tmp)
        if (seam_is_past(r->seam, s))
            open_subscription(r);
}

void resume_runs_end_all(resume_runs *all)
{
    while (all->sifting)
        open_subscription(all->sifting);
}
