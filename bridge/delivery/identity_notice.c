/* identity_notice.c - see identity_notice.h. Whoever is connected to the database may notify: the
 * worst that a false vouch does is to close a connection, which comes back. */
#include "delivery/identity_notice.h"

#include "base/log.h"
#include "hub/vouch.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const db_stmt notify_stmt = {"notify_identity", "SELECT pg_notify('unichat_identity', $1)",
                                    1};

static bool is_good(void *arg, const caller *who, const char **why)
{
    return token_is_still_good(arg, who, why);
}

void identity_review(hub *h, const verifier *v)
{
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

void identity_take_revocation(hub *h, const verifier *v, revocations *revoked, const char *row)
{
    json_t *object = json_loads(row, JSON_REJECT_DUPLICATES, NULL);
    caller_role role;
    const char *sub;
    int64_t until;
    if (!read_revocation(object, &role, &sub, &until)) {
        log_error("event=revocation_unreadable bytes=%zu", strlen(row));
    } else if (revocations_add(revoked, role, sub, until)) {
        log_debug("event=revoked role=%s sub=%s", caller_role_name(role), LOG_Q(sub));
        identity_review(h, v);
    }
    json_decref(object);
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

void identity_take_vouch(hub *h, const char *payload)
{
    json_t *notice = json_loads(payload, JSON_REJECT_DUPLICATES, NULL);
    const char *socket_id;
    int64_t end;
    caller *who = read_vouch(notice, &socket_id, &end);
    if (who != NULL) {
        hub_vouch(h, socket_id, who, end);
        caller_free(who);
    } else {
        log_warning("event=identity_notice_unreadable bytes=%zu", strlen(payload));
    }
    json_decref(notice);
}

/* ---- sending ---- */

static void on_sent(void *arg, const db_result *result)
{
    (void)arg;
    if (result->error != NULL)
        log_warning("event=identity_notice_failed reason=%s", LOG_Q(result->error->message));
}

static bool pass_on(const verifier *v, db_pool *pool, const caller *who, const char *socket_id)
{
    json_t *notice =
        json_pack("{s:s, s:s, s:I, s:I, s:s, s:I}", "role", caller_role_name(who->role), "sub",
                  who->sub, "issuedAt", (json_int_t)who->issued_at, "key", (json_int_t)who->key,
                  "socketId", socket_id, "end", (json_int_t)token_end(v, who));
    char *text = json_dumps(notice, JSON_COMPACT);
    json_decref(notice);
    bool sent = db_query(pool, &notify_stmt, (const char *[]){text}, on_sent, NULL);
    free(text);
    return sent;
}

bool identity_vouch(hub *h, const verifier *v, db_pool *pool, const caller *who,
                    const char *socket_id)
{
    return hub_vouch(h, socket_id, who, token_end(v, who)) || pass_on(v, pool, who, socket_id);
}
