/* event_queue.c - see event_queue.h.
 *
 * At most one fetch is under way, for the front. It is tried again as long as the database is away;
 * a row that is not there any more (erased or pruned meanwhile) is skipped.
 */
#include "db/event_queue.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define RETRY_MS 200

typedef struct item {
    db_event event; /* complete when event.data is set */
    char *player;   /* of a reference */
    int64_t seq;
    struct item *prev, *next;
} item;

struct event_queue {
    db_pool *pool;
    event_handler *handler;
    void *arg;
    item *items;
    bool fetching;
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

static void free_when_done(event_queue *q)
{
    if (!q->closed || !q->timer_closed || q->fetching)
        return;
    item *i, *tmp;
    DL_FOREACH_SAFE (q->items, i, tmp)
        free_item(i);
    free(q);
}

/* ---- fetching the front ---- */

static void on_retry(uv_timer_t *timer)
{
    drain(timer->data);
}

static void retry_later(event_queue *q)
{
    uv_timer_start(&q->retry, on_retry, RETRY_MS, 0);
}

static void skip_front(event_queue *q, const char *why)
{
    item *i = q->items;
    log_warning("event=event_skipped player=%s seq=%lld reason=%s", LOG_Q(i->player),
                (long long)i->seq, LOG_Q(why));
    metric_add(q->skipped, 1);
    DL_DELETE(q->items, i);
    free_item(i);
}

static void on_fetched(void *arg, const db_result *res)
{
    event_queue *q = arg;
    q->fetching = false;
    if (q->closed) {
        free_when_done(q);
        return;
    }
    if (res->error != NULL && db_error_is_transient(res->error)) {
        retry_later(q);
        return;
    }
    const char *payload = res->error == NULL ? db_text(res->rows, 0, "payload") : NULL;
    if (res->error != NULL)
        skip_front(q, res->error->message);
    else if (payload == NULL)
        skip_front(q, "it is not there any more");
    else if (!db_event_parse(&q->items->event, payload, strlen(payload)))
        skip_front(q, "its payload cannot be read");
    else
        metric_add(q->fetched, 1);
    drain(q);
}

static void fetch_front(event_queue *q)
{
    char seq[24];
    snprintf(seq, sizeof seq, "%lld", (long long)q->items->seq);
    const char *values[] = {q->items->player, seq};
    q->fetching = db_query(q->pool, &fetch_stmt, values, on_fetched, q);
    if (!q->fetching)
        retry_later(q);
}

/* ---- the queue ---- */

static void drain(event_queue *q)
{
    while (q->items != NULL && !q->fetching) {
        item *i = q->items;
        if (i->event.data == NULL) {
            if (!uv_is_active((uv_handle_t *)&q->retry))
                fetch_front(q);
            return;
        }
        DL_DELETE(q->items, i);
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

event_queue *event_queue_new(uv_loop_t *loop, db_pool *pool, event_handler *handler, void *arg)
{
    event_queue *q = mem_new(event_queue);
    q->pool = pool;
    q->handler = handler;
    q->arg = arg;
    uv_timer_init(loop, &q->retry);
    q->retry.data = q;
    q->fetched = metric_counter("unichat_events_fetched_total", NULL,
                                "Events too large for a notification, fetched from the table.");
    q->skipped = metric_counter("unichat_events_skipped_total", NULL,
                                "Events that were gone when they should have been fetched.");
    metric_gauge_read("unichat_events_queued", NULL, "Accepted events that wait for a fetch.",
                      read_length, q);
    return q;
}

static void append(event_queue *q, item *i)
{
    DL_APPEND(q->items, i);
    drain(q);
}

void event_queue_push(event_queue *q, db_event *event)
{
    if (q->items == NULL) {
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

bool event_queue_is_empty(const event_queue *q)
{
    return q->items == NULL;
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
