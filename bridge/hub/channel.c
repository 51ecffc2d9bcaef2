#include "hub/channel.h"

#include "base/clock.h"
#include "base/mem.h"
#include "hub/conn.h"
#include "protocol/pusher_frame.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Above this many subscribers, the count is told at most every COUNT_PERIOD_MS. */
#define COUNT_BIG 100u
#define COUNT_PERIOD_MS 5000u

#define CHANNEL_OF(timer, field) ((channel *)((char *)(timer)-offsetof(channel, field)))

channel *channel_find(const hub_app *app, const char *name)
{
    channel *c;

    HASH_FIND_STR(app->channels, name, c);
    return c;
}

channel *channel_get(hub_app *app, const char *name)
{
    channel *c = channel_find(app, name);
    size_t len = strlen(name);

    if (c)
        return c;
    c = mem_alloc(sizeof(*c) + len + 1);
    c->app = app;
    c->type = channel_name_type(name);
    c->reserved = app_is_reserved(app, name);
    memcpy(c->name, name, len + 1);
    HASH_ADD_KEYPTR(hh, app->channels, c->name, len, c);
    app->hub->stats.channels++;
    return c;
}

static void cache_drop(channel *c)
{
    wheel_stop(&c->cache_timer);
    frame_unref(c->cached);
    free(c->cached_data);
    c->cached = NULL;
    c->cached_data = NULL;
}

void channel_free(channel *c)
{
    cache_drop(c);
    wheel_stop(&c->count_timer);
    HASH_DEL(c->app->channels, c);
    c->app->hub->stats.channels--;
    free(c->subs);
    free(c);
}

void channel_release(channel *c)
{
    if (c->n_subs == 0 && !c->cached)
        channel_free(c);
}

/* By the shorter way: the connection's own channels, or the channel's subscribers. */
subscription *channel_subscription(const channel *c, const hub_conn *conn)
{
    if (conn->n_subs <= c->n_subs) {
        for (subscription *s = conn->subs; s; s = s->next)
            if (s->channel == c)
                return s;
    } else {
        for (unsigned i = 0; i < c->n_subs; i++)
            if (c->subs[i]->conn == conn)
                return c->subs[i];
    }
    return NULL;
}

static void tell(channel *c, hub_happening_kind kind)
{
    if (!c->reserved && c->type.kind != CHANNEL_USER)
        app_tell(c->app, &(hub_happening){.kind = kind, .channel = c->name, .count = c->n_subs});
}

subscription *channel_add(channel *c, hub_conn *conn)
{
    subscription *s = mem_new(subscription);

    if (c->n_subs == c->cap_subs) {
        c->cap_subs = c->cap_subs ? c->cap_subs * 2 : 2;
        c->subs = mem_realloc(c->subs, c->cap_subs * sizeof(c->subs[0]));
    }
    s->conn = conn;
    s->channel = c;
    s->index = c->n_subs;
    c->subs[c->n_subs++] = s;
    s->next = conn->subs;
    if (s->next)
        s->next->prev = s;
    conn->subs = s;
    conn->n_subs++;
    c->app->hub->stats.subscriptions++;
    if (c->n_subs == 1)
        tell(c, HUB_CHANNEL_OCCUPIED);
    return s;
}

static void shrink(channel *c)
{
    if (c->cap_subs > 16 && c->n_subs < c->cap_subs / 4) {
        c->cap_subs /= 2;
        c->subs = mem_realloc(c->subs, c->cap_subs * sizeof(c->subs[0]));
    }
}

void channel_remove(subscription *s)
{
    channel *c = s->channel;
    subscription *last = c->subs[--c->n_subs];

    c->subs[s->index] = last;
    last->index = s->index;
    if (s->prev)
        s->prev->next = s->next;
    else
        s->conn->subs = s->next;
    if (s->next)
        s->next->prev = s->prev;
    s->conn->n_subs--;
    c->app->hub->stats.subscriptions--;
    free(s);
    shrink(c);
    if (c->n_subs == 0)
        tell(c, HUB_CHANNEL_VACATED);
}

size_t channel_send(channel *c, frame *f, const hub_conn *except)
{
    const hub_transport *transport = &c->app->hub->transport;
    size_t sent = 0;

    for (unsigned i = 0; i < c->n_subs; i++) {
        hub_conn *conn = c->subs[i]->conn;

        if (conn == except || conn->closing)
            continue;
        transport->send(conn->peer, f);
        sent++;
    }
    metric_add(c->app->hub->counts.frames_out, sent);
    return sent;
}

size_t channel_send_scratch(channel *c, const hub_conn *except)
{
    buf *scratch = &c->app->hub->scratch;
    frame *f = frame_new(scratch->data, scratch->len);
    size_t sent = channel_send(c, f, except);

    buf_clear(scratch);
    frame_unref(f);
    return sent;
}

static void cache_expired(wheel_timer *t)
{
    channel *c = CHANNEL_OF(t, cache_timer);

    cache_drop(c);
    channel_release(c);
}

void channel_cache_set(channel *c, frame *f, const char *data, size_t len)
{
    uint64_t ttl_ms = (uint64_t)c->app->options.cache_ttl * 1000;

    cache_drop(c);
    c->cached = frame_ref(f);
    c->cached_data = mem_strndup(data, len);
    c->cache_missed = false;
    wheel_start(c->app->hub->wheel, &c->cache_timer, clock_monotonic_ms() + ttl_ms, cache_expired);
}

void channel_cache_send(channel *c, hub_conn *conn)
{
    if (c->cached) {
        conn->app->hub->transport.send(conn->peer, c->cached);
        return;
    }
    pusher_frame_event(&c->app->hub->scratch, c->name, "pusher:cache_miss", NULL, 0);
    conn_send_scratch(conn);
    if (!c->cache_missed)
        tell(c, HUB_CACHE_MISS);
    c->cache_missed = true;
}

static void send_count(channel *c)
{
    pusher_frame_subscription_count(&c->app->hub->scratch, c->name, c->n_subs);
    channel_send_scratch(c, NULL);
    tell(c, HUB_SUBSCRIPTION_COUNT);
}

static void count_due(wheel_timer *t)
{
    send_count(CHANNEL_OF(t, count_timer));
}

void channel_count_changed(channel *c)
{
    if (!c->app->options.subscription_count || c->type.kind == CHANNEL_PRESENCE ||
        c->type.kind == CHANNEL_USER || c->n_subs == 0)
        return;
    if (c->n_subs <= COUNT_BIG)
        send_count(c);
    else if (!wheel_running(&c->count_timer))
        wheel_start(c->app->hub->wheel, &c->count_timer, clock_monotonic_ms() + COUNT_PERIOD_MS,
                    count_due);
}
