/* event_queue.c - see event_queue.h.
 *
 * At most one fetch is under way, for the front. It is tried again, with pauses that grow:
 *
 *     the database is away, or busy    for ever
 *     the role lacks the right         for ever: whoever has revoked it can grant it again
 *     any other error                  TRIES_MAX times, which takes a minute: the schema may be in
 *                                      the middle of a change
 *
 * Skipped is what then still fails, a row that is not there any more (pruned meanwhile), and a
 * payload that cannot be read.
 */
#include "db/event_queue.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define RETRY_MIN_MS 200
#define RETRY_MAX_MS 5000
#define TRIES_MAX 16

typedef struct item {
    db_event event; /* complete when event.data is set */
    char *player;   /* of a reference */
    int64_t seq;
    struct item *prev, *next;
} item;

struct event_queue {
    db_pool *pool;
    event_handler *handler;
    event_skipped *on_skipped;
    void *arg;
    item *items;
    size_t bytes;
    bool fetching;
    bool cleared;      /* what is being fetched */
    unsigned failures; /* to fetch the front */
    unsigned refusals; /* of these, those that a later try may not mend */
    bool closed;
    uv_timer_t retry;
    bool timer_closed;
    metric *fetched;
    metric *skipped;
};

static const db_stmt fetch_stmt = {
    "event", "SELECT unichat_event($1::text, $2::bigint)::text AS payload", 2};

static void drain(event_queue *q);

static void free_item(item *i)
{
    db_event_clear(&i->event);
    free(i->player);
    free(i);
}

/* An event's block is twice its data. */
static size_t size_of(const item *i)
{
    return sizeof(*i) + 2 * i->event.data_len + (i->player ? strlen(i->player) : 0);
}

static void free_items(event_queue *q)
{
    item *i, *tmp;
    DL_FOREACH_SAFE (q->items, i, tmp)
        free_item(i);
    q->items = NULL;
    q->bytes = 0;
}

static void free_when_done(event_queue *q)
{
    if (!q->closed || !q->timer_closed || q->fetching)
        return;
    free_items(q);
    free(q);
}

/* ---- fetching the front ---- */

static void on_retry(uv_timer_t *timer)
{
    drain(timer->data);
}

static void retry_later(event_queue *q)
{
    uint64_t pause = RETRY_MAX_MS;
    if (q->failures < 5)
        pause = (uint64_t)RETRY_MIN_MS << q->failures;
    q->failures++;
    uv_timer_start(&q->retry, on_retry, pause, 0);
}

static item *take_front(event_queue *q)
{
    item *i = q->items;
    DL_DELETE(q->items, i);
    q->bytes -= size_of(i);
    return i;
}

static void skip_front(event_queue *q, const char *why)
{
    item *i = take_front(q);
    log_error("event=event_skipped player=%s seq=%lld reason=%s", LOG_Q(i->player),
              (long long)i->seq, LOG_Q(why));
    metric_add(q->skipped, 1);
    q->failures = q->refusals = 0;
    q->on_skipped(q->arg, i->player);
    free_item(i);
}

static bool is_denied(const db_error *error)
{
    return strcmp(error->sqlstate, "42501") == 0;
}

/* The log says once what is wrong with this one. */
static void wait_refused(event_queue *q, const db_error *error)
{
    const char *name = is_denied(error) ? "event_denied" : "event_refused";
    const char *hint = is_denied(error)
                           ? "live events wait: GRANT unichat_bridge to the bridge's role"
                           : "live events wait for this one";
    if (q->refusals++ == 0)
        log_error("event=%s player=%s seq=%lld reason=%s hint=%s", name, LOG_Q(q->items->player),
                  (long long)q->items->seq, LOG_Q(error->message), LOG_Q(hint));
    retry_later(q);
}

static void take_error(event_queue *q, const db_error *error)
{
    if (db_error_is_transient(error))
        retry_later(q);
    else if (is_denied(error) || q->refusals + 1 < TRIES_MAX)
        wait_refused(q, error);
    else
        skip_front(q, error->message);
}

static void take_payload(event_queue *q, const char *payload)
{
    item *i = q->items;
    if (!payload) {
        skip_front(q, "it is not there any more");
    } else if (!db_event_parse(&i->event, payload, strlen(payload))) {
        skip_front(q, "its payload cannot be read");
    } else {
        q->bytes += 2 * i->event.data_len;
        q->failures = q->refusals = 0;
        metric_add(q->fetched, 1);
    }
}

static void on_fetched(void *arg, const db_result *res)
{
    event_queue *q = arg;
    q->fetching = false;
    if (q->closed) {
        free_when_done(q);
        return;
    }
    if (q->cleared)
        q->cleared = false;
    else if (res->error)
        take_error(q, res->error);
    else
        take_payload(q, db_text(res->rows, 0, "payload"));
    drain(q);
}

/* A pool that is away is not asked: it would count a refusal each time. */
static void fetch_front(event_queue *q)
{
    char seq[24];
    snprintf(seq, sizeof(seq), "%lld", (long long)q->items->seq);
    const char *values[] = {q->items->player, seq};
    q->fetching = db_pool_ready(q->pool) && db_query(q->pool, &fetch_stmt, values, on_fetched, q);
    if (!q->fetching)
        retry_later(q);
}

/* ---- the queue ---- */

static void drain(event_queue *q)
{
    while (q->items && !q->fetching) {
        item *i = q->items;
        if (!i->event.data) {
            if (!uv_is_active((uv_handle_t *)&q->retry))
                fetch_front(q);
            return;
        }
        take_front(q);
        q->handler(q->arg, &i->event);
        free_item(i);
    }
}

static double read_length(void *arg)
{
    const event_queue *q = arg;
    const item *i;
    double n = 0;
    DL_FOREACH (q->items, i)
        n++;
    return n;
}

event_queue *event_queue_new(uv_loop_t *loop, db_pool *pool, event_handler *handler,
                             event_skipped *skipped, void *arg)
{
    event_queue *q = mem_new(event_queue);
    q->pool = pool;
    q->handler = handler;
    q->on_skipped = skipped;
    q->arg = arg;
    uv_timer_init(loop, &q->retry);
    q->retry.data = q;
    q->fetched = metric_counter("unichat_events_fetched_total", NULL,
                                "Events too large for a notification, fetched from the table.");
    q->skipped =
        metric_counter("unichat_events_skipped_total", NULL,
                       "Events that could not be fetched; the clients concerned were told to "
                       "resync.");
    metric_gauge_read("unichat_events_queued", NULL, "Accepted events that wait for a fetch.",
                      read_length, q);
    return q;
}

static void append(event_queue *q, item *i)
{
    DL_APPEND(q->items, i);
    q->bytes += size_of(i);
    drain(q);
}

void event_queue_push(event_queue *q, db_event *event)
{
    if (!q->items) {
        q->handler(q->arg, event);
        db_event_clear(event);
        return;
    }
    item *i = mem_new(item);
    i->event = *event;
    *event = (db_event){0};
    append(q, i);
}

void event_queue_push_ref(event_queue *q, const char *player, int64_t seq)
{
    item *i = mem_new(item);
    i->player = mem_strdup(player);
    i->seq = seq;
    append(q, i);
}

void event_queue_clear(event_queue *q)
{
    free_items(q);
    q->cleared = q->fetching;
    q->failures = q->refusals = 0;
    uv_timer_stop(&q->retry);
}

bool event_queue_is_empty(const event_queue *q)
{
    return !q->items;
}

size_t event_queue_bytes(const event_queue *q)
{
    return q->bytes;
}

static void on_timer_closed(uv_handle_t *handle)
{
    event_queue *q = handle->data;
    q->timer_closed = true;
    free_when_done(q);
}

void event_queue_close(event_queue *q)
{
    q->closed = true;
    uv_close((uv_handle_t *)&q->retry, on_timer_closed);
}
