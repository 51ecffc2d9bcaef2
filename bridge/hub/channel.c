/* channel.c - see channel.h. */
#include "hub/channel.h"

#include "base/clock.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "hub/conn.h"
#include "protocol/pusher_frame.h"

#include <stdlib.h>
#include <string.h>

/* Above this many subscribers, the count is told at most every COUNT_PERIOD_MS. */
#define COUNT_BIG 100u
#define COUNT_PERIOD_MS 5000u

static bool has_name(const void *item, const void *name)
{
    return strcmp(((const channel *)item)->name, name) == 0;
}

channel *channel_find(const hub_app *app, const char *name)
{
    return map_find(&app->channels, map_hash(name, strlen(name)), has_name, name);
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
    c->subs = c->only;
    c->cap_subs = 1;
    memcpy(c->name, name, len + 1);
    if (c->type.cache) {
        c->cache = mem_new(channel_cache);
        c->cache->channel = c;
    }
    map_add(&app->channels, map_hash(name, len), c);
    app->hub->stats.channels++;
    return c;
}

static void cache_drop(channel_cache *cache)
{
    wheel_stop(&cache->expiry);
    frame_unref(cache->frame);
    free(cache->data);
    cache->frame = NULL;
    cache->data = NULL;
}

void channel_free(channel *c)
{
    if (c->cache)
        cache_drop(c->cache);
    wheel_stop(&c->count_timer);
    map_remove(&c->app->channels, map_hash(c->name, strlen(c->name)), c);
    c->app->hub->stats.channels--;
    if (c->subs != c->only)
        free(c->subs);
    free(c->cache);
    free(c);
}

void channel_release(channel *c)
{
    if (c->n_subs == 0 && !(c->cache && c->cache->frame))
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

static void grow(channel *c)
{
    bool single = c->subs == c->only;

    c->cap_subs *= 2;
    c->subs = mem_realloc(single ? NULL : c->subs, c->cap_subs * sizeof(c->subs[0]));
    if (single)
        c->subs[0] = c->only[0];
}

subscription *channel_add(channel *c, hub_conn *conn)
{
    subscription *s = mem_new(subscription);

    if (c->n_subs == c->cap_subs)
        grow(c);
    s->conn = conn;
    s->peer = conn->closing ? NULL : conn->peer;
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
        const subscription *s = c->subs[i];

        if (s->conn == except || !s->peer)
            continue;
        transport->send(s->peer, f);
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
    channel_cache *cache = container_of(t, channel_cache, expiry);

    cache_drop(cache);
    channel_release(cache->channel);
}

void channel_cache_set(channel *c, frame *f, const char *data, size_t len)
{
    uint64_t ttl_ms = c->app->options.cache_ms;
    channel_cache *cache = c->cache;

    cache_drop(cache);
    cache->frame = frame_ref(f);
    cache->data = mem_strndup(data, len);
    cache->missed = false;
    wheel_start(c->app->hub->wheel, &cache->expiry, clock_monotonic_ms() + ttl_ms, cache_expired);
}

void channel_cache_send(channel *c, hub_conn *conn)
{
    if (c->cache->frame) {
        conn->app->hub->transport.send(conn->peer, c->cache->frame);
        return;
    }
    pusher_frame_event(&c->app->hub->scratch, c->name, "pusher:cache_miss", NULL, 0);
    conn_send_scratch(conn);
    if (!c->cache->missed)
        tell(c, HUB_CACHE_MISS);
    c->cache->missed = true;
}

static void send_count(channel *c)
{
    pusher_frame_subscription_count(&c->app->hub->scratch, c->name, c->n_subs);
    channel_send_scratch(c, NULL);
    tell(c, HUB_SUBSCRIPTION_COUNT);
}

static void count_due(wheel_timer *t)
{
    send_count(container_of(t, channel, count_timer));
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
