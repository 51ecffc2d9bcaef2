/*
 * identity_notice.c - see identity_notice.h. The worst that a false vouch does is to close a
 * connection, which comes back.
 *
 * What a token has opened must not outlive it, also where the connection is another bridge's. So
 * who asks for a signature gets it after the notice is on its way; and because that and a
 * revocation come on their own ways, the notice is judged when it is taken:
 *
 *     this bridge                     database            the connection's bridge
 *     token is good
 *                                     revoke
 *                                                         reads the list, reviews
 *     notice                 --->     NOTIFY     --->     vouch: the token is revoked, closed
 *     reads the list
 */
#include "delivery/identity_notice.h"

#include "base/log.h"
#include "base/mem.h"
#include "hub/vouch.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 2

static const db_stmt notify_stmt = {"notify_identity", "SELECT unichat_notify('identity', $1)", 1};

static bool is_good(void *arg, const caller *who, const char **why)
{
    return token_is_still_good(arg, who, why);
}

void identity_review(hub *h, const verifier *v)
{
    log_debug("event=identities_reviewed");
    hub_review_vouches(h, is_good, (void *)v);
}

/* ---- taking ---- */

static bool read_revocation(const json_t *row, caller_role *role, const char **sub, int64_t *until)
{
    const char *role_name;
    json_int_t seconds;
    if (json_unpack((json_t *)row, "{s:s, s:s, s:I}", "role", &role_name, "sub", sub, "until",
                    &seconds) != 0)
        return false;
    *until = seconds;
    return caller_role_parse(role_name, role);
}

bool identity_take_revocation(revocations *revoked, const char *row)
{
    json_t *object = json_loads(row, JSON_REJECT_DUPLICATES, NULL);
    bool news = false;
    caller_role role;
    const char *sub;
    int64_t until;
    if (!read_revocation(object, &role, &sub, &until)) {
        log_error("event=revocation_unreadable bytes=%zu", strlen(row));
    } else if (revocations_add(revoked, role, sub, until)) {
        log_debug("event=revoked role=%s sub=%s", caller_role_name(role), LOG_Q(sub));
        news = true;
    }
    json_decref(object);
    return news;
}

/* The caller of a vouch, and for which connection until when; NULL: it is none. */
static caller *read_vouch(const json_t *notice, const char **socket_id, int64_t *end)
{
    const char *role_name, *sub;
    json_int_t issued_at, key, seconds;
    caller_role role;
    if (json_unpack((json_t *)notice, "{s:s, s:s, s:I, s:I, s:s, s:I}", "role", &role_name, "sub",
                    &sub, "issuedAt", &issued_at, "key", &key, "socketId", socket_id, "end",
                    &seconds) != 0 ||
        !caller_role_parse(role_name, &role))
        return NULL;
    caller *who = caller_new(role, sub, NULL, seconds);
    who->issued_at = issued_at;
    who->key = (uint64_t)key;
    *end = seconds;
    return who;
}

void identity_take_vouch(hub *h, const verifier *v, const char *payload)
{
    json_t *notice = json_loads(payload, JSON_REJECT_DUPLICATES, NULL);
    const char *socket_id, *why;
    int64_t end;
    caller *who = read_vouch(notice, &socket_id, &end);
    if (!who)
        log_warning("event=identity_notice_unreadable bytes=%zu", strlen(payload));
    else if (hub_vouch(h, socket_id, who, end) && !token_is_still_good(v, who, &why))
        identity_review(h, v);
    caller_free(who);
    json_decref(notice);
}

/* ---- sending ---- */

/* A notice on its way. */
typedef struct notice {
    db_pool *pool;
    char *text;
    int attempts;
    identity_done *done;
    void *arg;
} notice;

static void finish(notice *n, bool passed_on)
{
    n->done(n->arg, passed_on);
    free(n->text);
    free(n);
}

static void on_sent(void *arg, const db_result *result);

static void send_notice(notice *n)
{
    n->attempts++;
    if (!db_query(n->pool, &notify_stmt, (const char *[]){n->text}, on_sent, n))
        finish(n, false);
}

/* One that was sent although the answer was lost is taken twice, which does no harm. */
static void on_sent(void *arg, const db_result *result)
{
    notice *n = arg;
    if (result->error)
        log_warning("event=identity_notice_failed attempt=%d reason=%s", n->attempts,
                    LOG_Q(result->error->message));
    if (result->error && n->attempts < ATTEMPTS)
        send_notice(n);
    else
        finish(n, !result->error);
}

static char *notice_text(const verifier *v, const caller *who, const char *socket_id)
{
    json_t *object =
        json_pack("{s:s, s:s, s:I, s:I, s:s, s:I}", "role", caller_role_name(who->role), "sub",
                  who->sub, "issuedAt", (json_int_t)who->issued_at, "key", (json_int_t)who->key,
                  "socketId", socket_id, "end", (json_int_t)token_end(v, who));
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

void identity_vouch(hub *h, const verifier *v, db_pool *pool, const caller *who,
                    const char *socket_id, identity_done *done, void *arg)
{
    if (hub_vouch(h, socket_id, who, token_end(v, who))) {
        done(arg, true);
        return;
    }
    notice *n = mem_new(notice);
    *n = (notice){.pool = pool, .text = notice_text(v, who, socket_id), .done = done, .arg = arg};
    send_notice(n);
}
