/* resume.c - see resume.h.
 *
 *     client                     bridge                                      database
 *     resume after 15  ───────▶  hold the subscription
 *                                read behind 15  ─────────────────────────▶  16 … 20
 *                      ◀───────  16 … 20       (20 and 21 are published: kept as late)
 *                                the page was not full: this is the end
 *                      ◀───────  21            (late; 20 has been sent)
 *                      ◀───────  resumed
 *                                (21 and 22 are published: 21 has been sent)
 *                      ◀───────  22
 *                                all that the page saw has been published: open the subscription
 *
 * Nothing is left out: what was published before the hold was committed before the page was read,
 * so it is in the page; what is published after it is late or, after the end, goes out directly.
 *
 * Nothing is sent twice: the listening session may be far behind the table, above all after it was
 * lost. So also after the end, what the history has handed out is known by (player, seq) and
 * dropped, until a snapshot that covers the last page's is told to have been published whole.
 *
 * States:
 *
 *     remembered ──subscribed──▶ queued ──slot free──▶ reading
 *                                  ▲ ▲                    │
 *                                  │ └────full page───────┤
 *                                  └───── paused ◀────────┤  slow client, database away
 *                                                         │
 *                                                         └──last page──▶ sifting ──▶ freed
 *
 * Limits. At most half of the pool's connections read for resuming. A page is sent as far as the
 * client's queue takes it. Late events have a limit in bytes: when it is reached they are dropped,
 * and the history is read once more from where it ended, because they are in the table too. So a
 * resume costs bounded memory, however long it takes.
 */
#include "delivery/resume.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "delivery/channel_map.h"
#include "delivery/delivery.h"
#include "delivery/history.h"
#include "hub/follow.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#define PER_CLIENT_MAX 32
#define PAUSE_MS 20
#define EVENT_RESUME "unichat:resume"
#define EVENT_RESUMED "unichat:resumed"
#define EVENT_RESYNC "unichat:resync"

/* A frame that was published while its subscription was held. */
typedef struct late {
    struct late *prev, *next;
    frame *frame;
    int64_t seq;
    char player_id[];
} late;

typedef enum resume_state {
    RESUME_REMEMBERED, /* asked for before the subscription */
    RESUME_QUEUED,
    RESUME_READING,
    RESUME_PAUSED,
    RESUME_DECIDING, /* its page is being taken */
    RESUME_SIFTING,  /* at its end; what is published is sent unless it was sent before */
} resume_state;

typedef struct resume {
    struct resume *prev, *next;           /* of the client */
    struct resume *turn_prev, *turn_next; /* in all.queued, all.paused or all.sifting */
    resumes *all;
    hub_conn *conn; /* NULL: given up while reading; freed when the page is there */
    char *channel;
    json_t *after;        /* as the client gave it */
    const char *position; /* staff: its text */
    history *history;
    resume_state state;
    late *late;
    size_t late_bytes;
    bool late_dropped;
    unsigned sent;
} resume;

typedef struct client {
    UT_hash_handle hh;
    hub_conn *conn;
    resume *resumes;
    unsigned count;
} client;

struct resumes {
    db_pool *pool;
    hub_app *app;
    client *clients; /* by connection; only those that resume */
    resume *queued, *paused, *sifting;
    unsigned reading, reading_max;
    size_t backlog_max; /* bytes that may wait for one client while it resumes */
    uv_timer_t timer;
    buf greeting;
    metric *done, *resynced, *events;
};

static void pump(resumes *all);

/* ---- finding and freeing ---- */

static client *client_of(const resumes *all, const hub_conn *conn)
{
    client *c;
    HASH_FIND_PTR(all->clients, &conn, c);
    return c;
}

static resume *find(const resumes *all, const hub_conn *conn, const char *channel)
{
    const client *c = client_of(all, conn);
    resume *r = NULL;
    if (c != NULL)
        DL_FOREACH (c->resumes, r)
            if (strcmp(r->channel, channel) == 0)
                break;
    return r;
}

static void drop_late(resume *r)
{
    late *l, *tmp;
    DL_FOREACH_SAFE (r->late, l, tmp) {
        DL_DELETE(r->late, l);
        frame_unref(l->frame);
        free(l);
    }
    r->late_bytes = 0;
}

static void leave_turn(resume *r)
{
    if (r->state == RESUME_QUEUED)
        DL_DELETE2(r->all->queued, r, turn_prev, turn_next);
    else if (r->state == RESUME_PAUSED)
        DL_DELETE2(r->all->paused, r, turn_prev, turn_next);
    else if (r->state == RESUME_SIFTING)
        DL_DELETE2(r->all->sifting, r, turn_prev, turn_next);
}

static void resume_free(resume *r)
{
    drop_late(r);
    history_free(r->history);
    free(r->channel);
    json_decref(r->after);
    free(r);
}

/* Out of the client's list; freed at once, or when its page is there. */
static void give_up(resume *r)
{
    resumes *all = r->all;
    client *c = client_of(all, r->conn);
    DL_DELETE(c->resumes, r);
    if (--c->count == 0) {
        HASH_DEL(all->clients, c);
        free(c);
    }
    r->conn = NULL;
    leave_turn(r);
    if (r->state != RESUME_READING)
        resume_free(r);
}

/* ---- answers ---- */

static void send_resync(hub_conn *conn, const char *channel, const char *reason)
{
    json_t *data = json_pack("{s:s?, s:s}", "channel", channel, "reason", reason);
    char *text = json_dumps(data, JSON_COMPACT);
    hub_send(conn, channel, EVENT_RESYNC, text, strlen(text));
    log_info_as(hub_conn_log_name(conn), "event=resync channel=%s reason=%s",
                LOG_Q(channel == NULL ? "" : channel), reason);
    json_decref(data);
    free(text);
}

static void send_resumed(const resume *r)
{
    json_t *data = json_pack("{s:s, s:O, s:i, s:s?}", "channel", r->channel, "after", r->after,
                             "events", (int)r->sent, "epoch", history_epoch(r->history));
    if (r->position != NULL && delivery_position() != NULL)
        json_object_set_new(data, "position", json_string(delivery_position()));
    char *text = json_dumps(data, JSON_COMPACT);
    hub_send(r->conn, r->channel, EVENT_RESUMED, text, strlen(text));
    log_info_as(hub_conn_log_name(r->conn), "event=resumed channel=%s events=%u", r->channel,
                r->sent);
    json_decref(data);
    free(text);
}

/* ---- taking turns ---- */

static void enter_turn(resume *r, resume_state state)
{
    r->state = state;
    if (state == RESUME_QUEUED)
        DL_APPEND2(r->all->queued, r, turn_prev, turn_next);
    else if (state == RESUME_SIFTING)
        DL_APPEND2(r->all->sifting, r, turn_prev, turn_next);
    else
        DL_APPEND2(r->all->paused, r, turn_prev, turn_next);
}

static void on_timer(uv_timer_t *timer)
{
    resumes *all = timer->data;
    resume *r, *tmp;
    DL_FOREACH_SAFE2(all->paused, r, tmp, turn_next)
    {
        leave_turn(r);
        enter_turn(r, RESUME_QUEUED);
    }
    pump(all);
}

static void pause_resume(resume *r)
{
    enter_turn(r, RESUME_PAUSED);
    if (!uv_is_active((uv_handle_t *)&r->all->timer))
        uv_timer_start(&r->all->timer, on_timer, PAUSE_MS, 0);
}

/* ---- sending ---- */

/* Whether the client's queue takes `bytes` more in this turn. */
static bool has_room(const resume *r, size_t bytes)
{
    size_t backlog = hub_backlog(r->conn);
    return backlog == 0 || backlog + bytes <= r->all->backlog_max;
}

/* False: not now. */
static bool send_event(resume *r, const db_event *e)
{
    delivery_names names;
    if (!delivery_names_of(e, &names))
        return true;
    char *data = delivery_data_of(e, r->position);
    bool room = has_room(r, strlen(data));
    if (room) {
        hub_send(r->conn, r->channel, r->position != NULL ? names.staff : names.player, data,
                 strlen(data));
        r->sent++;
        metric_add(r->all->events, 1);
    }
    free(data);
    return room;
}

/* False: the client could not take all of it. */
static bool send_page(resume *r, const PGresult *rows)
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

/* A live event, unless the client has it. */
static void sift(resume *r, const char *player_id, int64_t seq, frame *f)
{
    if (history_has(r->history, player_id, seq))
        return;
    hub_send_frame(r->conn, f);
    history_advance(r->history, player_id, seq);
    r->sent++;
}

/* The end of the history. */
static void finish(resume *r)
{
    late *l;
    DL_FOREACH (r->late, l)
        sift(r, l->player_id, l->seq, l->frame);
    drop_late(r);
    send_resumed(r);
    metric_add(r->all->done, 1);
    enter_turn(r, RESUME_SIFTING);
}

static void open_subscription(resume *r)
{
    hub_hold(r->conn, r->channel, false);
    give_up(r);
}

/* Whatever was held goes out: the client loads everything anew, and drops what it then has twice.
 */
static void finish_with_resync(resume *r, const char *why)
{
    resumes *all = r->all;
    late *l;
    send_resync(r->conn, r->channel, why);
    DL_FOREACH (r->late, l)
        hub_send_frame(r->conn, l->frame);
    metric_add(all->resynced, 1);
    open_subscription(r);
}

static void go_on(resume *r, history_verdict verdict)
{
    if (verdict == HISTORY_END && !r->late_dropped) {
        if (has_room(r, r->late_bytes))
            finish(r);
        else
            pause_resume(r);
        return;
    }
    if (verdict == HISTORY_END) {
        r->late_dropped = false;
        history_again(r->history);
    }
    enter_turn(r, RESUME_QUEUED);
}

static void take_page(resume *r, const db_result *page)
{
    const char *why;
    history_verdict verdict = history_judge(r->history, page, &why);
    if (verdict == HISTORY_RESYNC)
        finish_with_resync(r, why);
    else if (verdict == HISTORY_RETRY || !send_page(r, page->rows))
        pause_resume(r);
    else
        go_on(r, verdict);
}

static void on_page(void *arg, const db_result *page)
{
    resume *r = arg;
    resumes *all = r->all;
    all->reading--;
    if (r->conn == NULL) {
        resume_free(r);
    } else {
        r->state = RESUME_DECIDING;
        take_page(r, page);
    }
    pump(all);
}

static void pump(resumes *all)
{
    while (all->queued != NULL && all->reading < all->reading_max) {
        resume *r = all->queued;
        leave_turn(r);
        if (delivery_epoch() != NULL && history_read(r->history, all->pool, on_page, r)) {
            r->state = RESUME_READING;
            all->reading++;
        } else {
            pause_resume(r);
        }
    }
}

/* ---- beginning ---- */

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

static resume *add(resumes *all, hub_conn *conn, const char *channel)
{
    client *c = client_of(all, conn);
    if (c == NULL) {
        c = mem_new(client);
        c->conn = conn;
        HASH_ADD_PTR(all->clients, conn, c);
    }
    resume *r = mem_new(resume);
    r->all = all;
    r->conn = conn;
    r->channel = mem_strdup(channel);
    r->state = RESUME_REMEMBERED;
    DL_APPEND(c->resumes, r);
    c->count++;
    return r;
}

/* Asking again takes the place of what was asked before; what is held stays held. */
static void replace(resume *old, resume *fresh)
{
    fresh->late = old->late;
    fresh->late_bytes = old->late_bytes;
    fresh->late_dropped = old->late_dropped;
    old->late = NULL;
    give_up(old);
}

static void begin(resume *r)
{
    if (!hub_hold(r->conn, r->channel, true))
        return; /* remembered */
    enter_turn(r, RESUME_QUEUED);
    pump(r->all);
}

static void ask(resumes *all, hub_conn *conn, const char *channel, const json_t *data)
{
    const client *c = client_of(all, conn);
    resume *old = find(all, conn, channel);
    history *h = history_wanted(channel, data);
    if (h == NULL || (c != NULL && c->count >= PER_CLIENT_MAX && old == NULL)) {
        send_resync(conn, channel, h == NULL ? "unknown" : "busy");
        metric_add(all->resynced, 1);
        history_free(h);
        return;
    }
    resume *r = add(all, conn, channel);
    r->history = h;
    r->after = json_incref(json_object_get(data, "after"));
    r->position = json_string_value(r->after);
    if (old != NULL)
        replace(old, r);
    begin(r);
}

/* ---- the follower ---- */

static void on_client_event(void *arg, hub_conn *conn, const char *event, const json_t *data)
{
    const char *channel = json_string_value(json_object_get(data, "channel"));
    if (strcmp(event, EVENT_RESUME) != 0 || channel == NULL)
        send_resync(conn, NULL, "unknown");
    else
        ask(arg, conn, channel, data);
}

static const char *greet(void *arg, const char *channel)
{
    resumes *all = arg;
    const char *epoch = delivery_epoch(), *position = delivery_position();
    if (epoch == NULL || !channel_is_of_chat(channel) ||
        strcmp(channel, CHANNEL_STAFF_PRESENCE) == 0)
        return NULL;
    buf_clear(&all->greeting);
    buf_printf(&all->greeting, "{\"epoch\":\"%s\"", epoch);
    if (channel_is_of_staff(channel) && position != NULL)
        buf_printf(&all->greeting, ",\"position\":\"%s\"", position);
    buf_putc(&all->greeting, '}');
    return all->greeting.data;
}

static void on_subscribed(void *arg, hub_conn *conn, const char *channel)
{
    resume *r = find(arg, conn, channel);
    if (r != NULL && r->state == RESUME_REMEMBERED)
        begin(r);
}

static void on_unsubscribed(void *arg, hub_conn *conn, const char *channel)
{
    resume *r = find(arg, conn, channel);
    if (r != NULL)
        give_up(r);
}

static void on_disconnected(void *arg, hub_conn *conn)
{
    client *c;
    while ((c = client_of(arg, conn)) != NULL)
        give_up(c->resumes);
}

static void on_late(void *arg, hub_conn *conn, const char *channel, frame *f, const void *what)
{
    const resumes *all = arg;
    const db_event *e = what;
    resume *r = find(all, conn, channel);
    if (r != NULL && r->state == RESUME_SIFTING)
        sift(r, e->player_id, e->seq, f);
    if (r == NULL || r->state == RESUME_SIFTING || r->late_dropped)
        return;
    if (r->late_bytes + f->len > all->backlog_max) {
        drop_late(r);
        r->late_dropped = true;
        return;
    }
    late *l = mem_alloc(sizeof *l + strlen(e->player_id) + 1);
    strcpy(l->player_id, e->player_id);
    l->seq = e->seq;
    l->frame = frame_ref(f);
    r->late_bytes += f->len;
    DL_APPEND(r->late, l);
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

static void register_metrics(resumes *all)
{
    static const char help[] = "Resumes that have ended, by how.";
    all->done = metric_counter("unichat_resumes_total", "result=\"resumed\"", help);
    all->resynced = metric_counter("unichat_resumes_total", "result=\"resync\"", help);
    all->events = metric_counter("unichat_resume_events_total", NULL,
                                 "Events sent from the table to clients that resumed.");
    metric_gauge_read("unichat_resumes", NULL, "Resumes asked for and not ended.", read_active,
                      all);
}

resumes *resume_start(uv_loop_t *loop, const config *conf, db_pool *pool, hub_app *app)
{
    resumes *all = mem_new(resumes);
    all->pool = pool;
    all->app = app;
    all->reading_max = conf->pool_size > 1 ? (unsigned)conf->pool_size / 2 : 1;
    all->backlog_max = (size_t)conf->max_queue / 4;
    uv_timer_init(loop, &all->timer);
    all->timer.data = all;
    register_metrics(all);
    hub_app_set_follower(app, &(hub_follower){.prefix = "unichat:",
                                              .client_event = on_client_event,
                                              .greeting = greet,
                                              .subscribed = on_subscribed,
                                              .take = on_late,
                                              .unsubscribed = on_unsubscribed,
                                              .disconnected = on_disconnected,
                                              .arg = all});
    return all;
}

typedef struct resync_visit {
    hub_app *app;
    const char *reason;
} resync_visit;

static void resync_channel(void *arg, const char *channel)
{
    const resync_visit *visit = arg;
    buf data = {0};
    if (!channel_is_of_chat(channel) || strcmp(channel, CHANNEL_STAFF_PRESENCE) == 0)
        return;
    buf_printf(&data, "{\"channel\":\"%s\",\"reason\":\"%s\"}", channel, visit->reason);
    hub_publish(visit->app, channel, EVENT_RESYNC, data.data, data.len, NULL);
    buf_free(&data);
}

void resume_position(resumes *all, const snapshot *s)
{
    resume *r, *tmp;
    DL_FOREACH_SAFE2(all->sifting, r, tmp, turn_next)
    if (snapshot_covers(s, history_seen(r->history)))
        open_subscription(r);
}

void resume_resync_all(resumes *all, const char *reason)
{
    while (all->sifting != NULL)
        open_subscription(all->sifting);
    resync_visit visit = {all->app, reason};
    hub_each_channel(all->app, resync_channel, &visit);
}

static void on_closed(uv_handle_t *handle)
{
    resumes *all = handle->data;
    buf_free(&all->greeting);
    free(all);
}

void resume_stop(resumes *all)
{
    uv_close((uv_handle_t *)&all->timer, on_closed);
}
