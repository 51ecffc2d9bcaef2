/* push_attempt.c - one claimed row: call, answer, report. */
#include "push/push_attempt.h"

#include "base/log.h"
#include "base/mem.h"
#include "push/backoff.h"
#include "push/onesignal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum attempt_state {
    CALLING,
    REPORTING,
    UNREPORTED,
} attempt_state;

struct push_attempt {
    const push_context *context;
    attempt_state state;
    http_call *call; /* while CALLING */
    char *who;       /* for the log */
    char *id;
    int number;
    int failures; /* before this attempt */
    push_result result;
};

static const db_stmt result_stmt = {"push_result",
                                    "SELECT unichat_push_result($1::bigint, $2::int, $3, $4::int, "
                                    "$5, $6, $7::bigint * interval '1 ms', 'onesignal',"
                                    " $8::int, $9::bigint * interval '1 ms')",
                                    9};

static void attempt_free(push_attempt *attempt)
{
    free(attempt->who);
    free(attempt->id);
    free(attempt);
}

static void finish(push_attempt *attempt)
{
    attempt->context->finished(attempt->context->owner, attempt);
    attempt_free(attempt);
}

/* ---- the report ---- */

static void on_reported(void *arg, const db_result *result)
{
    push_attempt *attempt = arg;

    if (result->error && db_error_is_transient(result->error)) {
        attempt->state = UNREPORTED;
        return;
    }
    if (result->error)
        log_error_as(attempt->who, "event=push_report_refused sqlstate=%s error=%s",
                     result->error->sqlstate, LOG_Q(result->error->message));
    else if (PQgetisnull(result->rows, 0, 0))
        log_warning_as(attempt->who, "event=push_overtaken reason=\"the lease ran out\"");
    else if (strcmp(PQgetvalue(result->rows, 0, 0), "dead") == 0)
        log_error_as(attempt->who, "event=push_given_up failures=%d", attempt->failures + 1);
    finish(attempt);
}

static int64_t pause_ms(const push_attempt *attempt)
{
    const config *conf = attempt->context->conf;

    if (attempt->result.outcome != PUSH_RETRY)
        return 0;
    return backoff_ms(attempt->failures + 1, conf->push_retry_base, conf->push_retry_max,
                      attempt->result.retry_after_ms);
}

static const char *or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

static void report(push_attempt *attempt)
{
    const push_result *result = &attempt->result;
    const config *conf = attempt->context->conf;
    char number[16], status[16], pause[24], failures[24], age[24];

    snprintf(number, sizeof(number), "%d", attempt->number);
    snprintf(status, sizeof(status), "%d", result->http_status);
    snprintf(pause, sizeof(pause), "%" PRId64, pause_ms(attempt));
    snprintf(failures, sizeof(failures), "%" PRId64, conf->push_max_failures);
    snprintf(age, sizeof(age), "%" PRId64, conf->push_max_age);
    const char *values[] = {attempt->id,
                            number,
                            push_outcome_name(result->outcome),
                            result->http_status != 0 ? status : NULL,
                            or_null(result->provider_id),
                            or_null(result->error),
                            pause,
                            failures,
                            age};

    attempt->state = REPORTING;
    if (!db_query(attempt->context->pool, &result_stmt, values, on_reported, attempt))
        attempt->state = UNREPORTED;
}

/* ---- the call ---- */

static void log_answer(const push_attempt *attempt, uint64_t elapsed_ms)
{
    const push_result *result = &attempt->result;
    log_level level = result->outcome == PUSH_SENT     ? LOG_LEVEL_INFO
                      : result->outcome == PUSH_FAILED ? LOG_LEVEL_ERROR
                                                       : LOG_LEVEL_WARNING;

    log_write(level, attempt->who,
              "event=push_answer outcome=%s status=%d ms=%" PRIu64 " provider_id=%s error=%s",
              push_outcome_name(result->outcome), result->http_status, elapsed_ms,
              LOG_Q(result->provider_id), LOG_Q(result->error));
}

/* A service that repeats our key in its answer must not bring it into the log or the database. */
static void hide_key(char *text, const char *key)
{
    size_t len = strlen(key);

    for (char *at = text; len > 0 && (at = strstr(at, key)); at += len)
        memset(at, '*', len);
}

static void on_answer(void *arg, const http_reply *reply)
{
    push_attempt *attempt = arg;

    attempt->call = NULL;
    onesignal_result(reply->status, reply->body, reply->body_len, reply->retry_after_ms,
                     reply->error, &attempt->result);
    hide_key(attempt->result.error, attempt->context->conf->onesignal_api_key);
    hide_key(attempt->result.provider_id, attempt->context->conf->onesignal_api_key);
    log_answer(attempt, reply->elapsed_ms);
    attempt->context->answered(attempt->context->owner, &attempt->result, reply->elapsed_ms);
    report(attempt);
}

static onesignal_preview preview_of(const char *name)
{
    if (strcmp(name, "none") == 0)
        return ONESIGNAL_PREVIEW_NONE;
    return strcmp(name, "name") == 0 ? ONESIGNAL_PREVIEW_NAME : ONESIGNAL_PREVIEW_FULL;
}

static char *make_body(const config *conf, const push_item *item)
{
    const onesignal_options options = {.app_id = conf->onesignal_app_id,
                                       .target = conf->onesignal_target,
                                       .portal_url = conf->portal_url,
                                       .preview = preview_of(conf->push_preview),
                                       .preview_length = (size_t)conf->push_preview_length,
                                       .ttl_s = conf->push_ttl / 1000};

    return onesignal_body(&options, item);
}

static char *make_url(const config *conf)
{
    size_t len = strlen(conf->onesignal_base_url);

    while (len > 0 && conf->onesignal_base_url[len - 1] == '/')
        len--;
    return mem_printf("%.*s/notifications", (int)len, conf->onesignal_base_url);
}

static void call(push_attempt *attempt, const push_item *item)
{
    const config *conf = attempt->context->conf;
    char *url = make_url(conf);
    char *body = make_body(conf, item);
    char *credentials =
        mem_printf("Authorization: %s %s", conf->onesignal_auth_scheme, conf->onesignal_api_key);
    const char *const headers[] = {"Content-Type: application/json; charset=utf-8",
                                   "Accept: application/json", credentials, NULL};
    const http_call_spec spec = {.method = "POST",
                                 .url = url,
                                 .headers = headers,
                                 .body = body,
                                 .body_len = strlen(body),
                                 .timeout_ms = (uint64_t)conf->push_timeout};

    attempt->call = http_client_start(attempt->context->http, &spec, on_answer, attempt);
    explicit_bzero(credentials, strlen(credentials));
    free(credentials);
    free(body);
    free(url);
}

/* ---- its life ---- */

/* A column's text, "" for NULL: what push_item promises. */
static const char *column(const PGresult *rows, int row, const char *name)
{
    const char *text = db_text(rows, row, name);

    return text ? text : "";
}

static push_item read_item(const PGresult *rows, int row)
{
    return (push_item){
        .id = column(rows, row, "id"),
        .attempt = atoi(column(rows, row, "attempt")),
        .idempotency_key = column(rows, row, "idempotency_key"),
        .kind = column(rows, row, "kind"),
        .request_id = column(rows, row, "request_id"),
        .player_id = column(rows, row, "player_id"),
        .player_name = column(rows, row, "title"),
        .urgency = column(rows, row, "urgency"),
        .message = column(rows, row, "body"),
        .data = column(rows, row, "data"),
        .failures = atoi(column(rows, row, "failures")),
        .waiting = atoll(column(rows, row, "waiting")),
        .oldest_s = atoll(column(rows, row, "oldest_seconds")),
    };
}

push_attempt *push_attempt_start(const push_context *context, const PGresult *rows, int row)
{
    push_item item = read_item(rows, row);
    push_attempt *attempt = mem_new(push_attempt);

    attempt->context = context;
    attempt->state = CALLING;
    attempt->id = mem_strdup(item.id);
    attempt->number = item.attempt;
    attempt->failures = item.failures;
    attempt->who = mem_printf("push=%s kind=%s request=%s attempt=%d", item.id, item.kind,
                              *item.request_id != '\0' ? item.request_id : "-", item.attempt);
    call(attempt, &item);
    return attempt;
}

void push_attempt_release(push_attempt *attempt)
{
    if (attempt->state != CALLING)
        return;
    http_client_cancel(attempt->call);
    attempt->call = NULL;
    attempt->result = (push_result){.outcome = PUSH_RELEASED, .retry_after_ms = -1};
    log_info_as(attempt->who, "event=push_released");
    report(attempt);
}

void push_attempt_report_again(push_attempt *attempt)
{
    if (attempt->state == UNREPORTED)
        report(attempt);
}

bool push_attempt_is_reporting(const push_attempt *attempt)
{
    return attempt->state == REPORTING;
}

void push_attempt_drop(push_attempt *attempt)
{
    if (attempt->state == CALLING)
        http_client_cancel(attempt->call);
    attempt_free(attempt);
}
