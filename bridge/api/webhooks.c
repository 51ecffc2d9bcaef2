/*
 * webhooks.c - a queue per app, one POST under way, the events of which go out in the order in
 * which they happened.
 *
 *     happening --> queue --tick--> batch --POST--> 2xx: the next batch
 *         |                           ^        \--> else: again after 1, 2, 4 ... s
 *         |                           |                       |  \--> after five minutes: given up,
 *         |                           \-----------------------/       counted, logged
 *         |
 *         \--> delayed (vacated, member_removed) --3 s--> queue
 *                  \--> the channel is occupied, the member is back: neither is told
 *
 * The hub only appends to a queue: nothing here can hold up a delivery. A batch is signed once,
 * over the bytes that are sent, and sent again unchanged. What waits, delayed or queued, is bounded
 * in number and bytes: names and data are the clients'. What does not fit is counted and logged,
 * never silently lost.
 */
#include "api/webhooks.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/container_of.h"
#include "base/http_client.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "hub/observer.h"
#include "hub/session.h"
#include "protocol/pusher_sign.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 50u
#define WAITING_MAX 10000u
#define WAITING_BYTES_MAX (16u << 20)
#define DELAY_MS 3000u
#define RETRY_FIRST_MS 1000u
#define RETRY_MAX_MS 60000u
#define GIVE_UP_MS 300000u
#define TIMEOUT_MS 10000u

typedef struct pending {
    struct pending *next;
    size_t size;
    char json[];
} pending;

/* A goodbye that a hello within DELAY_MS takes back. */
typedef struct goodbye {
    struct sink *sink;
    uint64_t hash;
    wheel_timer timer;
    pending *event;
    char key[]; /* the channel, and for members a NUL's stand-in and the user */
} goodbye;

typedef struct sink {
    struct sink *next;
    webhooks *owner;
    hub_app *app;
    pending *first, **last;
    unsigned waiting; /* queued and delayed */
    size_t waiting_bytes;
    map goodbyes;      /* by key */
    wheel_timer timer; /* to send, or to try again */
    http_call *call;
    buf batch; /* what is under way; empty: nothing is */
    unsigned batch_events;
    uint64_t first_try, pause;
} sink;

struct webhooks {
    hub *hub;
    http_client *client;
    sink *sinks;
    metric *sent, *failed, *dropped;
    limit *full;
};

/* ---- sending ---- */

static void send_batch(sink *s);

static void on_timer(wheel_timer *t)
{
    send_batch(container_of(t, sink, timer));
}

static void wake_after(sink *s, uint64_t ms)
{
    if (!s->call && !wheel_running(&s->timer))
        wheel_start(hub_wheel(s->owner->hub), &s->timer, clock_monotonic_ms() + ms, on_timer);
}

static void batch_done(sink *s)
{
    buf_free(&s->batch);
    s->batch_events = 0;
    s->pause = 0;
    if (s->first)
        wake_after(s, 0);
}

static void batch_failed(sink *s, const http_reply *reply)
{
    bool give_up = clock_monotonic_ms() - s->first_try >= GIVE_UP_MS;

    metric_add(s->owner->failed, 1);
    s->pause = s->pause ? s->pause * 2 : RETRY_FIRST_MS;
    if (s->pause > RETRY_MAX_MS)
        s->pause = RETRY_MAX_MS;
    log_warning("event=webhook_failed app=%s status=%d error=%s events=%u next=%s",
                hub_app_get_options(s->app)->id, reply->status,
                LOG_Q(reply->error ? reply->error : ""), s->batch_events,
                give_up ? "given-up" : "retry");
    if (give_up) {
        metric_add(s->owner->dropped, s->batch_events);
        batch_done(s);
    } else {
        wake_after(s, s->pause);
    }
}

static void on_reply(void *arg, const http_reply *reply)
{
    sink *s = arg;

    s->call = NULL;
    if (reply->status >= 200 && reply->status < 300) {
        metric_add(s->owner->sent, s->batch_events);
        batch_done(s);
    } else {
        batch_failed(s, reply);
    }
}

/* Counts it as waiting; false, and gone, when there is no room for it. */
static bool admit(sink *s, pending *p)
{
    if (s->waiting >= WAITING_MAX || s->waiting_bytes + p->size > WAITING_BYTES_MAX) {
        metric_add(s->owner->dropped, 1);
        limit_tell(s->owner->full, hub_app_get_options(s->app)->id);
        free(p);
        return false;
    }
    s->waiting++;
    s->waiting_bytes += p->size;
    return true;
}

static void forget(sink *s, pending *p)
{
    s->waiting--;
    s->waiting_bytes -= p->size;
    free(p);
}

/* Moves the oldest events into the batch. */
static void fill_batch(sink *s)
{
    buf_printf(&s->batch, "{\"time_ms\":%lld,\"events\":[", (long long)(clock_unix_us() / 1000));
    while (s->first && s->batch_events < BATCH_MAX) {
        pending *p = s->first;

        buf_puts(&s->batch, s->batch_events++ ? "," : "");
        buf_puts(&s->batch, p->json);
        s->first = p->next;
        forget(s, p);
    }
    if (!s->first)
        s->last = &s->first;
    buf_puts(&s->batch, "]}");
    s->first_try = clock_monotonic_ms();
}

static void post(sink *s)
{
    const hub_app_options *o = hub_app_get_options(s->app);
    char signature[PUSHER_SIGNATURE_SIZE];
    char *key = mem_printf("X-Pusher-Key: %s", o->key), *signed_by;

    pusher_sign(o->secret, s->batch.data, s->batch.len, signature);
    signed_by = mem_printf("X-Pusher-Signature: %s", signature);
    /* Exactly this content type: a charset makes the libraries call the webhook invalid. */
    const char *const headers[] = {"Content-Type: application/json", key, signed_by, NULL};
    s->call = http_client_start(s->owner->client,
                                &(http_call_spec){.method = "POST",
                                                  .url = o->webhook_url,
                                                  .headers = headers,
                                                  .body = s->batch.data,
                                                  .body_len = s->batch.len,
                                                  .timeout_ms = TIMEOUT_MS},
                                on_reply, s);
    free(key);
    free(signed_by);
}

static void send_batch(sink *s)
{
    if (!s->batch.len && s->first)
        fill_batch(s);
    if (s->batch.len && !s->call)
        post(s);
}

/* ---- queueing ---- */

/* What was admitted. */
static void enqueue(sink *s, pending *p)
{
    p->next = NULL;
    *s->last = p;
    s->last = &p->next;
    if (!s->batch.len)
        wake_after(s, 0);
}

static void put_member(buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(out, ",\"%s\":", name);
    buf_put_json_string(out, value, strlen(value));
}

/* A client's data is told as a string: its own, or the JSON text of what else it is. */
static void put_data(buf *out, const hub_happening *what)
{
    buf_puts(out, ",\"data\":");
    if (!what->data)
        buf_puts(out, "null");
    else if (*what->data == '"')
        buf_append(out, what->data, what->data_len);
    else
        buf_put_json_string(out, what->data, what->data_len);
}

static pending *describe(const hub_happening *what)
{
    static const char *const names[] = {
        [HUB_CHANNEL_OCCUPIED] = "channel_occupied",
        [HUB_CHANNEL_VACATED] = "channel_vacated",
        [HUB_MEMBER_ADDED] = "member_added",
        [HUB_MEMBER_REMOVED] = "member_removed",
        [HUB_CLIENT_EVENT] = "client_event",
        [HUB_CACHE_MISS] = "cache_miss",
        [HUB_SUBSCRIPTION_COUNT] = "subscription_count",
    };
    buf json = {0};
    pending *p;

    buf_printf(&json, "{\"name\":\"%s\"", names[what->kind]);
    put_member(&json, "channel", what->channel);
    put_member(&json, "event", what->event);
    if (what->kind == HUB_CLIENT_EVENT)
        put_data(&json, what);
    put_member(&json, "socket_id", what->socket_id);
    put_member(&json, "user_id", what->user_id);
    if (what->kind == HUB_SUBSCRIPTION_COUNT)
        buf_printf(&json, ",\"subscription_count\":%u", what->count);
    buf_putc(&json, '}');
    p = mem_alloc(sizeof(*p) + json.len + 1);
    p->size = sizeof(*p) + json.len + 1;
    memcpy(p->json, json.data, json.len + 1);
    buf_free(&json);
    return p;
}

/* ---- goodbyes ---- */

static char *goodbye_key(const hub_happening *what)
{
    return mem_printf("%s %s", what->channel, what->user_id ? what->user_id : "");
}

static bool goodbye_is(const void *item, const void *key)
{
    return strcmp(((const goodbye *)item)->key, key) == 0;
}

static void goodbye_free(goodbye *g)
{
    map_remove(&g->sink->goodbyes, g->hash, g);
    wheel_stop(&g->timer);
    free(g);
}

static void goodbye_due(wheel_timer *t)
{
    goodbye *g = container_of(t, goodbye, timer);
    sink *s = g->sink;
    pending *p = g->event;

    goodbye_free(g);
    enqueue(s, p);
}

static void say_goodbye_later(sink *s, const hub_happening *what)
{
    pending *event = describe(what);
    char *key;
    size_t len;
    goodbye *g;

    if (!admit(s, event))
        return;
    key = goodbye_key(what);
    len = strlen(key);
    g = mem_alloc(sizeof(*g) + len + 1);
    memcpy(g->key, key, len + 1);
    free(key);
    g->sink = s;
    g->event = event;
    g->hash = map_hash(g->key, len);
    map_add(&s->goodbyes, g->hash, g);
    wheel_start(hub_wheel(s->owner->hub), &g->timer, clock_monotonic_ms() + DELAY_MS, goodbye_due);
}

/* True if the hello has met a goodbye that was not yet told. */
static bool take_back_goodbye(sink *s, const hub_happening *what)
{
    char *key = goodbye_key(what);
    goodbye *g = map_find(&s->goodbyes, map_hash(key, strlen(key)), goodbye_is, key);

    free(key);
    if (!g)
        return false;
    forget(s, g->event);
    goodbye_free(g);
    return true;
}

static void tell(sink *s, const hub_happening *what)
{
    pending *p = describe(what);

    if (admit(s, p))
        enqueue(s, p);
}

static void on_happening(void *arg, hub_app *app, const hub_happening *what)
{
    webhooks *w = arg;
    sink *s = w->sinks;

    while (s && s->app != app)
        s = s->next;
    if (!s && hub_app_get_options(app)->webhook_url) {
        s = mem_new(sink);
        s->owner = w;
        s->app = app;
        s->last = &s->first;
        s->next = w->sinks;
        w->sinks = s;
    }
    if (!s)
        return;
    if (what->kind == HUB_CHANNEL_VACATED || what->kind == HUB_MEMBER_REMOVED)
        say_goodbye_later(s, what);
    else if ((what->kind != HUB_CHANNEL_OCCUPIED && what->kind != HUB_MEMBER_ADDED) ||
             !take_back_goodbye(s, what))
        tell(s, what);
}

/* ---- start and stop ---- */

webhooks *webhooks_start(uv_loop_t *loop, hub *h)
{
    webhooks *w = mem_new(webhooks);

    w->client = http_client_new(loop, WEBHOOKS_AT_ONCE);
    if (!w->client) {
        free(w);
        return NULL;
    }
    w->hub = h;
    w->sent = metric_counter("unichat_webhook_events_total", "outcome=\"sent\"",
                             "Events told to app servers, by outcome.");
    w->dropped = metric_counter("unichat_webhook_events_total", "outcome=\"dropped\"",
                                "Events told to app servers, by outcome.");
    w->failed = metric_counter("unichat_webhook_failures_total", NULL,
                               "POSTs of webhooks that were not answered with 2xx.");
    w->full = limit_get("webhooks");
    hub_set_observer(h, on_happening, w);
    return w;
}

static bool drop_goodbye(void *arg, void *item)
{
    goodbye *g = item;

    (void)arg;
    wheel_stop(&g->timer);
    free(g->event);
    free(g);
    return true;
}

static void sink_free(sink *s)
{
    pending *next;

    map_filter(&s->goodbyes, drop_goodbye, NULL);
    map_clear(&s->goodbyes);
    for (pending *p = s->first; p; p = next) {
        next = p->next;
        free(p);
    }
    wheel_stop(&s->timer);
    buf_free(&s->batch);
    free(s);
}

void webhooks_stop(webhooks *w)
{
    sink *next;

    if (!w)
        return;
    hub_set_observer(w->hub, NULL, NULL);
    http_client_close(w->client);
    for (sink *s = w->sinks; s; s = next) {
        next = s->next;
        sink_free(s);
    }
    free(w);
}
