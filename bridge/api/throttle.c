/* throttle.c - see throttle.h. */
#include "api/throttle.h"
#include "base/limit.h"
#include "server/address.h"

#include <stdio.h>
#include <string.h>

#define CALL_BURST_SECONDS 10

static limit *calls, *messages, *failures, *new_requests;

void throttle_start(void)
{
    calls = limit_get("calls");
    messages = limit_get("messages");
    failures = limit_get("failures");
    new_requests = limit_get("new_requests");
}

static rate call_rate(const config *conf)
{
    uint64_t count = (uint64_t)conf->caller_requests;
    return rate_of(count, 1, count * CALL_BURST_SECONDS);
}

static rate message_rate(const config *conf)
{
    return rate_of((uint64_t)conf->player_messages, 60, (uint64_t)conf->player_burst);
}

static rate failure_rate(const config *conf)
{
    uint64_t count = (uint64_t)conf->failed_tokens;
    return rate_of(count, 60, count);
}

static void respond_rate_limited(http_request *req, unsigned seconds, const char *what)
{
    char text[128], retry_after[16];
    snprintf(text, sizeof(text), "%s; try again in %u s", what, seconds);
    snprintf(retry_after, sizeof(retry_after), "%u", seconds);
    http_set_header(req, "Retry-After", retry_after);
    http_respond_json(req, 429,
                      json_pack("{s:{s:s, s:s, s:i}}", "error", "code", "rate_limited", "message",
                                text, "retryAfter", (int)seconds));
}

/* False after 429 was answered. */
static bool take(http_request *req, limit *l, rate r, const char *key, const char *what)
{
    unsigned seconds = limit_take(l, r, key);
    if (seconds > 0)
        respond_rate_limited(req, seconds, what);
    return seconds == 0;
}

bool throttle_call(const api *a, http_request *req, const caller *who)
{
    char key[LIMIT_KEY_SIZE];
    caller_key(who, key, sizeof(key));
    return take(req, calls, call_rate(a->conf), key, "too many calls");
}

bool throttle_message(const api *a, http_request *req, const caller *who)
{
    char key[LIMIT_KEY_SIZE];
    if (who->role == CALLER_STAFF)
        return true;
    caller_key(who, key, sizeof(key));
    return take(req, messages, message_rate(a->conf), key, "too many messages");
}

void throttle_return_message(const api *a, const char *player_id)
{
    char key[LIMIT_KEY_SIZE];
    snprintf(key, sizeof(key), "%s:%s", caller_role_name(CALLER_PLAYER), player_id);
    limit_return(messages, message_rate(a->conf), key);
}

bool throttle_failure(const api *a, http_request *req)
{
    char key[ADDRESS_KEY_SIZE];
    address_key(http_peer(req), key);
    return take(req, failures, failure_rate(a->conf), key, "too many wrong tokens or passwords");
}

unsigned throttle_failed_handshake(const api *a, const char *peer)
{
    char key[ADDRESS_KEY_SIZE];
    address_key(peer, key);
    return limit_take(failures, failure_rate(a->conf), key);
}

void throttle_return_failure(const api *a, http_request *req)
{
    char key[ADDRESS_KEY_SIZE];
    address_key(http_peer(req), key);
    limit_return(failures, failure_rate(a->conf), key);
}

void throttle_new_request(http_request *req, unsigned seconds, const char *who)
{
    limit_tell(new_requests, who);
    respond_rate_limited(req, seconds, "too many new requests");
}
