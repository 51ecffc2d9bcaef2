/* push_queue.c - when to claim, how much, and when to stop.
 *
 * Model
 *  1. The table is the queue. This module keeps no rows but those under way, each an attempt
 *     (push_attempt.h).
 *  2. pump() is the only place that claims. It is run by a wake-up, by the timer, and by each
 *     attempt's end, and claims as many rows as there are free places and the breaker allows.
 *  3. A claim that brought less than it asked for has emptied what is due; then the database is
 *     asked when the next row will be, and the timer is set to that, or to push_poll_interval if
 *     it is sooner.
 *  4. No call to the provider is made within a transaction: a claim is one, a report is another.
 *
 *     wake, timer, attempt ended
 *            |
 *            v          rows                          attempts
 *     pump: claim ------------------> attempts -------- end ----> pump
 *            |  fewer than asked                        answer --> breaker, metrics
 *            v
 *          look: depth, time of the next --> timer --> pump
 *
 * At most one claim or look is under way; a wake-up meanwhile is remembered in `woken`. A row that
 * is claimed when the breaker has just opened is given back unsent.
 *
 * Not guaranteed: that a push is shown. The provider accepts it, the device may be off.
 */
#include "push/push_queue.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "push/breaker.h"
#include "push/onesignal.h"
#include "push/push_attempt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define DATABASE_AWAY_MS 500 /* between tries while the database is away */
#define SHORTEST_PAUSE_MS 10 /* what is due "now" but was not claimed belongs to another bridge */
#define LONGEST_THROTTLE_MS 3600000

typedef struct running {
    push_attempt *attempt;
    struct running *prev, *next;
} running;

typedef struct push_metrics {
    metric *outcomes[PUSH_RELEASED + 1];
    metric *duration, *pending, *sending, *dead, *paused;
} push_metrics;

struct push_queue {
    uv_loop_t *loop;
    const config *conf;
    db_pool *pool;
    push_context context;
    breaker breaker;
    char *account; /* that the breaker knows */
    running *attempts;
    int attempt_count;
    int wanted;  /* of the claim under way */
    bool asking; /* a claim or a look is under way */
    bool woken;  /* pump again when it has ended */
    bool stopping;
    uv_timer_t timer;
    uv_timer_t away_timer; /* reports that the database could not take */
    void (*stopped)(void *arg);
    void *stopped_arg;
    push_metrics metrics;
};

static const db_stmt claim_stmt = {"push_claim", PUSH_CLAIM_SQL, 5};
static const db_stmt look_stmt = {
    "push_queue", "SELECT pending, sending, dead, next_ms FROM unichat_push_queue()", 0};

static void pump(push_queue *queue);
static void stop_if_done(push_queue *queue);

static bool has_key(const push_queue *queue)
{
    return *queue->conf->onesignal_api_key != '\0';
}

static uint64_t now_ms(const push_queue *queue)
{
    return uv_now(queue->loop);
}

/* How long the breaker forbids every call; 0 when it does not. */
static uint64_t paused_ms(push_queue *queue)
{
    uint64_t pause = breaker_wait_ms(&queue->breaker, now_ms(queue));

    metric_set(queue->metrics.paused, pause > 0);
    return pause;
}

/* ---- the timer ---- */

static void on_timer(uv_timer_t *timer)
{
    pump(timer->data);
}

/* Pumps in `ms` milliseconds, or at push_poll_interval if that is sooner. */
static void pump_in(push_queue *queue, int64_t ms)
{
    if (ms < SHORTEST_PAUSE_MS)
        ms = SHORTEST_PAUSE_MS;
    if (ms > queue->conf->push_poll_interval)
        ms = queue->conf->push_poll_interval;
    if (!queue->stopping)
        uv_timer_start(&queue->timer, on_timer, (uint64_t)ms, 0);
}

/* ---- attempts ---- */

static breaker_event event_of(const push_result *result)
{
    if (result->outcome == PUSH_REFUSED)
        return BREAKER_REFUSED;
    return result->unreachable ? BREAKER_UNREACHABLE : BREAKER_ANSWERED;
}

static void throttle(push_queue *queue, const push_result *result)
{
    int64_t pause =
        result->retry_after_ms > 0 ? result->retry_after_ms : queue->conf->push_retry_base;

    if (pause > LONGEST_THROTTLE_MS)
        pause = LONGEST_THROTTLE_MS;
    breaker_pause(&queue->breaker, now_ms(queue), (uint64_t)pause);
    log_warning("event=push_throttled pause_ms=%" PRId64, pause);
}

static void on_answered(void *owner, const push_result *result, uint64_t elapsed_ms)
{
    push_queue *queue = owner;
    bool opened = breaker_ended(&queue->breaker, now_ms(queue), event_of(result));
    uint64_t pause;

    metric_add(queue->metrics.outcomes[result->outcome], 1);
    metric_observe_us(queue->metrics.duration, elapsed_ms * 1000);
    if (result->throttled)
        throttle(queue, result);
    pause = paused_ms(queue);
    if (opened)
        log_error("event=push_paused reason=%s pause_ms=%" PRIu64 " hint=%s",
                  result->outcome == PUSH_REFUSED ? "refused" : "unreachable", pause,
                  result->outcome == PUSH_REFUSED
                      ? LOG_Q("check onesignal_api_key and onesignal_app_id, then reload")
                      : LOG_Q("one attempt will show whether the provider is back"));
}

static void on_finished(void *owner, push_attempt *attempt)
{
    push_queue *queue = owner;
    running *one;

    DL_SEARCH_SCALAR(queue->attempts, one, attempt, attempt);
    DL_DELETE(queue->attempts, one);
    free(one);
    queue->attempt_count--;
    if (queue->stopping)
        stop_if_done(queue);
    else
        pump(queue);
}

/* What was claimed while the breaker opened, or the queue began to stop, is given back. */
static void start_attempt(push_queue *queue, const PGresult *rows, int row)
{
    running *one = mem_new(running);
    bool late = queue->stopping || breaker_allowance(&queue->breaker, now_ms(queue), 1) == 0;

    if (!late)
        breaker_started(&queue->breaker);
    one->attempt = push_attempt_start(&queue->context, rows, row);
    DL_APPEND(queue->attempts, one);
    queue->attempt_count++;
    if (late)
        push_attempt_release(one->attempt);
}

static void on_away_timer(uv_timer_t *timer)
{
    push_queue *queue = timer->data;
    running *one;

    DL_FOREACH (queue->attempts, one)
        push_attempt_report_again(one->attempt);
}

/* ---- what the database says ---- */

/* A statement failed. The database is away, which passes soon; or the extension is not the one we
 * know, which may pass when it is updated. */
static void ask_later(push_queue *queue, const char *what, const db_error *error)
{
    if (db_error_is_transient(error)) {
        pump_in(queue, DATABASE_AWAY_MS);
        return;
    }
    log_error("event=push_%s_refused sqlstate=%s error=%s", what, error->sqlstate,
              LOG_Q(error->message));
    pump_in(queue, INT64_MAX);
}

/* Ends a claim or a look. True when that was the last one: the queue stops. */
static bool asked(push_queue *queue)
{
    queue->asking = false;
    if (queue->stopping)
        stop_if_done(queue);
    return queue->stopping;
}

/* When there is something to do again, by the row of a look. */
static int64_t next_due_ms(push_queue *queue, const PGresult *rows)
{
    const char *next = db_text(rows, 0, "next_ms");
    int64_t pause = (int64_t)paused_ms(queue);
    int64_t due = next && has_key(queue) ? atoll(next) : INT64_MAX;

    return due > pause ? due : pause;
}

static void on_look(void *arg, const db_result *result)
{
    push_queue *queue = arg;

    if (!result->error) {
        metric_set(queue->metrics.pending, atof(db_text(result->rows, 0, "pending")));
        metric_set(queue->metrics.sending, atof(db_text(result->rows, 0, "sending")));
        metric_set(queue->metrics.dead, atof(db_text(result->rows, 0, "dead")));
    }
    if (asked(queue))
        return;
    if (result->error) {
        ask_later(queue, "look", result->error);
        return;
    }
    pump_in(queue, next_due_ms(queue, result->rows));
    if (queue->woken)
        pump(queue);
}

static void look(push_queue *queue)
{
    queue->woken = false;
    queue->asking = db_query(queue->pool, &look_stmt, NULL, on_look, queue);
    if (!queue->asking)
        pump_in(queue, DATABASE_AWAY_MS);
}

static void on_claim(void *arg, const db_result *result)
{
    push_queue *queue = arg;
    int count = result->error ? 0 : PQntuples(result->rows);

    for (int row = 0; row < count; row++)
        start_attempt(queue, result->rows, row);
    if (asked(queue))
        return;
    if (result->error)
        ask_later(queue, "claim", result->error);
    else if (count == queue->wanted || queue->woken)
        pump(queue);
    else
        look(queue);
}

static void claim(push_queue *queue, int wanted)
{
    const config *conf = queue->conf;
    char lease[24], rows[16], volume[24], window[24], failures[24];

    snprintf(lease, sizeof(lease), "%" PRId64, conf->push_lease);
    snprintf(rows, sizeof(rows), "%d", wanted);
    snprintf(volume, sizeof(volume), "%" PRId64, conf->push_volume);
    snprintf(window, sizeof(window), "%" PRId64, conf->push_volume_window);
    snprintf(failures, sizeof(failures), "%" PRId64, conf->push_max_failures);

    queue->wanted = wanted;
    queue->woken = false;
    queue->asking =
        db_query(queue->pool, &claim_stmt, (const char *[]){lease, rows, volume, window, failures},
                 on_claim, queue);
    if (!queue->asking)
        pump_in(queue, DATABASE_AWAY_MS);
}

static void pump(push_queue *queue)
{
    int places = (int)queue->conf->push_concurrency - queue->attempt_count;
    int wanted = breaker_allowance(&queue->breaker, now_ms(queue), places);
    uint64_t pause = paused_ms(queue);

    queue->woken = true;
    if (queue->asking || queue->stopping)
        return;
    if (has_key(queue) && wanted > 0)
        claim(queue, wanted);
    else if (!has_key(queue) || pause > 0)
        look(queue);
}

/* ---- from outside ---- */

static void register_metrics(push_queue *queue)
{
    static const char help[] = "Attempts to send a push, by what came of them.";
    char labels[64];

    for (int outcome = PUSH_SENT; outcome < PUSH_RELEASED; outcome++) {
        snprintf(labels, sizeof(labels), "outcome=\"%s\"", push_outcome_name(outcome));
        queue->metrics.outcomes[outcome] = metric_counter("unichat_push_sent_total", labels, help);
    }
    queue->metrics.duration =
        metric_duration("unichat_push_duration_seconds", NULL,
                        "Time from a call to the push provider to its answer.");
    queue->metrics.pending =
        metric_gauge("unichat_push_queue_depth", NULL, "Pushes that wait to be sent.");
    queue->metrics.sending =
        metric_gauge("unichat_push_sending", NULL, "Pushes claimed by any bridge.");
    queue->metrics.dead =
        metric_gauge("unichat_push_dead", NULL, "Pushes given up, kept in the table.");
    queue->metrics.paused =
        metric_gauge("unichat_push_provider_paused", NULL,
                     "1 while no push is sent because the provider refuses or fails.");
}

static void init_timer(push_queue *queue, uv_timer_t *timer)
{
    uv_timer_init(queue->loop, timer);
    timer->data = queue;
}

/* What a provider judges a call by: a refusal of one account says nothing about another. The caller
 * frees. */
static char *account_of(const config *conf)
{
    return mem_printf("%s\n%s\n%s\n%s", conf->onesignal_base_url, conf->onesignal_app_id,
                      conf->onesignal_auth_scheme, conf->onesignal_api_key);
}

static void forget_account(push_queue *queue)
{
    if (queue->account)
        explicit_bzero(queue->account, strlen(queue->account));
    free(queue->account);
    queue->account = NULL;
}

static void reset_breaker(push_queue *queue)
{
    const config *conf = queue->conf;
    const breaker_policy policy = {.max_unreachable = (unsigned)conf->push_breaker_failures,
                                   .unreachable_pause_ms = (uint64_t)conf->push_breaker_pause,
                                   .refused_pause_ms = (uint64_t)conf->push_refused_pause,
                                   .refused_max_ms = (uint64_t)conf->push_refused_max};

    breaker_init(&queue->breaker, &policy);
    forget_account(queue);
    queue->account = account_of(conf);
}

bool push_queue_check(const config *conf)
{
    if (onesignal_target_valid(conf->onesignal_target))
        return true;
    log_error("event=push_unusable setting=onesignal_target value=%s reason=%s",
              LOG_Q(conf->onesignal_target),
              LOG_Q("write segment:NAME, tag:KEY=VALUE, external_id:ID,… or subscription:UUID,…"));
    return false;
}

push_queue *push_queue_start(uv_loop_t *loop, const config *conf, db_pool *pool)
{
    http_client *http;
    push_queue *queue;

    if (!push_queue_check(conf))
        return NULL;
    http = http_client_new(loop, (int)conf->push_concurrency);
    if (!http)
        return NULL;
    queue = mem_new(push_queue);
    queue->loop = loop;
    queue->conf = conf;
    queue->pool = pool;
    queue->context = (push_context){conf, pool, http, on_answered, on_finished, queue};
    reset_breaker(queue);
    init_timer(queue, &queue->timer);
    init_timer(queue, &queue->away_timer);
    uv_timer_start(&queue->away_timer, on_away_timer, DATABASE_AWAY_MS, DATABASE_AWAY_MS);
    register_metrics(queue);
    if (!has_key(queue))
        log_warning("event=push_not_configured hint=%s",
                    LOG_Q("pushes are queued and not sent; set onesignal_api_key"));
    uv_timer_start(&queue->timer, on_timer, 0, 0);
    return queue;
}

void push_queue_wake(push_queue *queue)
{
    if (has_key(queue))
        pump(queue);
}

/* What is under way with the old key is given up, so that its refusal is not held against the new
 * one. Whether the old call was carried out does not matter: the row keeps its idempotency key. */
static void change_account(push_queue *queue)
{
    running *one;

    log_info("event=push_account_changed");
    DL_FOREACH (queue->attempts, one)
        push_attempt_release(one->attempt);
    reset_breaker(queue);
}

void push_queue_reload(push_queue *queue)
{
    char *account = account_of(queue->conf);

    if (strcmp(queue->account, account) != 0)
        change_account(queue);
    explicit_bzero(account, strlen(account));
    free(account);
    pump(queue);
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    push_queue *queue = handle->data;

    forget_account(queue);
    queue->stopped(queue->stopped_arg);
    free(queue);
}

static void on_first_closed(uv_handle_t *handle)
{
    push_queue *queue = handle->data;

    uv_close((uv_handle_t *)&queue->timer, on_closed);
}

static void stop_if_done(push_queue *queue)
{
    if (queue->asking || queue->attempts || uv_is_closing((uv_handle_t *)&queue->away_timer))
        return;
    http_client_close(queue->context.http);
    uv_close((uv_handle_t *)&queue->away_timer, on_first_closed);
}

/* The time is up: calls are given up and their rows given back; what the database cannot take is
 * left to the leases. */
static void on_grace_over(uv_timer_t *timer)
{
    push_queue *queue = timer->data;
    running *one, *next;

    DL_FOREACH_SAFE (queue->attempts, one, next) {
        push_attempt_release(one->attempt);
        if (push_attempt_is_reporting(one->attempt))
            continue;
        push_attempt_drop(one->attempt);
        DL_DELETE(queue->attempts, one);
        free(one);
        queue->attempt_count--;
    }
    uv_timer_start(timer, on_grace_over, DATABASE_AWAY_MS, 0);
    stop_if_done(queue);
}

void push_queue_stop(push_queue *queue, uint64_t grace_ms, void (*stopped)(void *arg), void *arg)
{
    queue->stopping = true;
    queue->stopped = stopped;
    queue->stopped_arg = arg;
    uv_timer_start(&queue->timer, on_grace_over, grace_ms, 0);
    stop_if_done(queue);
}
