/* vouch.c - see vouch.h. */
#include "hub/vouch.h"

#include "base/clock.h"
#include "base/container_of.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/conn.h"
#include "hub/session.h"

#include <stdlib.h>
#include <string.h>

#define CODE_UNAUTHORIZED 4009
#define IDENTITIES_MAX 8 /* of one connection */
#define LIFE_MAX (100ll * 365 * 86400)

typedef struct vouch {
    struct vouch *next;
    hub_conn *conn;
    caller *who;
    int64_t until;
    wheel_timer expiry;
} vouch;

static void on_expiry(wheel_timer *t)
{
    const vouch *v = container_of(t, vouch, expiry);

    hub_conn_fail(v->conn, CODE_UNAUTHORIZED, "The token of this connection has expired");
}

static void live_by(vouch *v, const caller *who, int64_t until)
{
    int64_t now = clock_unix_seconds();
    int64_t left = until <= now ? 0 : until - now < LIFE_MAX ? until - now : LIFE_MAX;

    caller_free(v->who);
    v->who = caller_copy(who);
    v->until = until;
    wheel_start(v->conn->app->hub->wheel, &v->expiry, clock_monotonic_ms() + (uint64_t)left * 1000,
                on_expiry);
}

static vouch *vouch_of(const hub_conn *conn, const caller *who, unsigned *count)
{
    vouch *v = conn->vouches;

    for (*count = 0; v; v = v->next, (*count)++)
        if (v->who->role == who->role && strcmp(v->who->sub, who->sub) == 0)
            return v;
    return NULL;
}

static void vouch_new(hub_conn *conn, const caller *who, int64_t until)
{
    char identity[LIMIT_KEY_SIZE];
    vouch *v;

    caller_key(who, identity, sizeof(identity));
    if (!conn_count_for(conn, identity)) {
        hub_conn_fail(conn, CODE_IDENTITY_FULL, IDENTITY_FULL);
        return;
    }
    v = mem_new(vouch);
    v->conn = conn;
    v->next = conn->vouches;
    conn->vouches = v;
    live_by(v, who, until);
}

bool hub_vouch(hub *h, const char *socket_id, const caller *who, int64_t until)
{
    hub_conn *conn = conn_find(h, socket_id);
    unsigned count;
    vouch *v;

    if (!conn)
        return false;
    v = vouch_of(conn, who, &count);
    if (v && until > v->until)
        live_by(v, who, until);
    else if (!v && count < IDENTITIES_MAX)
        vouch_new(conn, who, until);
    else if (!v)
        hub_conn_fail(conn, CODE_UNAUTHORIZED, "The connection speaks for too many identities");
    return true;
}

void hub_review_vouches(hub *h, bool (*is_good)(void *arg, const caller *who, const char **why),
                        void *arg)
{
    hub_conn *conn;
    size_t at = 0;

    while ((conn = map_next(&h->conns, &at)))
        for (const vouch *v = conn->vouches; v && !conn->closing; v = v->next) {
            const char *why;

            if (is_good(arg, v->who, &why))
                continue;
            log_info_as(conn->log_name, "event=vouch_ended role=%s sub=%s reason=%s",
                        caller_role_name(v->who->role), LOG_Q(v->who->sub), LOG_Q(why));
            hub_conn_fail(conn, CODE_UNAUTHORIZED, why);
        }
}

void vouches_drop(hub_conn *conn)
{
    vouch *next;

    for (vouch *v = conn->vouches; v; v = next) {
        next = v->next;
        wheel_stop(&v->expiry);
        caller_free(v->who);
        free(v);
    }
    conn->vouches = NULL;
}
