/* identity_notice.c - see identity_notice.h. Who may NOTIFY in the database may send these too: the
 * worst that a false one does is to close connections, which come back. */
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

static bool take_revocation(hub *h, const verifier *v, revocations *revoked, const json_t *notice,
                            caller_role role, const char *sub)
{
    const json_t *until = json_object_get(notice, "until");
    if (!json_is_integer(until))
        return false;
    if (revocations_add(revoked, role, sub, json_integer_value(until))) {
        log_debug("event=revoked role=%s sub=%s", caller_role_name(role), LOG_Q(sub));
        identity_review(h, v);
    }
    return true;
}

static bool take_vouch(hub *h, json_t *notice, caller_role role, const char *sub)
{
    json_int_t issued_at, key, end;
    const char *socket_id;
    if (json_unpack(notice, "{s:I, s:I, s:s, s:I}", "issuedAt", &issued_at, "key", &key, "socketId",
                    &socket_id, "end", &end) != 0)
        return false;
    caller *who = caller_new(role, sub, NULL, end);
    who->issued_at = issued_at;
    who->key = (uint64_t)key;
    hub_vouch(h, socket_id, who, end);
    caller_free(who);
    return true;
}

void identity_notice_take(hub *h, const verifier *v, revocations *revoked, const char *payload)
{
    json_t *notice = json_loads(payload, JSON_REJECT_DUPLICATES, NULL);
    const char *role_name, *sub;
    caller_role role;
    if (json_unpack(notice, "{s:s, s:s}", "role", &role_name, "sub", &sub) != 0 ||
        !caller_role_parse(role_name, &role) ||
        !(take_revocation(h, v, revoked, notice, role, sub) || take_vouch(h, notice, role, sub)))
        log_warning("event=identity_notice_unreadable bytes=%zu", strlen(payload));
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
