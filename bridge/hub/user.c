/* user.c - see user.h. */
#include "hub/user.h"

#include "base/log.h"
#include "base/mem.h"
#include "hub/subscribe.h"
#include "protocol/pusher_frame.h"
#include "protocol/pusher_sign.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CODE_UNAUTHORIZED 4009
#define CODE_WATCHLIST_LIMIT 4302

static user *user_find(const hub_app *app, const char *id)
{
    user *u;

    HASH_FIND_STR(app->users, id, u);
    return u;
}

static user *user_get(hub_app *app, const char *id)
{
    user *u = user_find(app, id);
    size_t len = strlen(id);

    if (u)
        return u;
    u = mem_alloc(sizeof(*u) + len + 1);
    u->app = app;
    memcpy(u->id, id, len + 1);
    HASH_ADD_KEYPTR(hh, app->users, u->id, len, u);
    return u;
}

static void user_release(user *u)
{
    if (u->conns || u->watchers)
        return;
    HASH_DEL(u->app->users, u);
    free(u);
}

/* Appends ,"7" to a list; the first comma is cut off when the list is used. */
static void put_id(buf *list, const char *id)
{
    buf_putc(list, ',');
    buf_put_json_string(list, id, strlen(id));
}

static void put_watch_event(buf *data, const char *name, const buf *ids)
{
    if (ids->len)
        buf_printf(data, "%s{\"name\":\"%s\",\"user_ids\":[%s]}", data->len > 11 ? "," : "", name,
                   ids->data + 1);
}

static void send_watch_events(hub_conn *conn, const buf *online, const buf *offline)
{
    buf data = {0};

    if (!online->len && !offline->len)
        return;
    buf_puts(&data, "{\"events\":[");
    put_watch_event(&data, "online", online);
    put_watch_event(&data, "offline", offline);
    buf_puts(&data, "]}");
    pusher_frame_event(&conn->app->hub->scratch, NULL, "pusher_internal:watchlist_events",
                       data.data, data.len);
    conn_send_scratch(conn);
    buf_free(&data);
}

static void tell_watchers(user *u, bool online)
{
    buf ids = {0}, none = {0};

    put_id(&ids, u->id);
    for (watch *w = u->watchers; w; w = w->next)
        send_watch_events(w->conn, online ? &ids : &none, online ? &none : &ids);
    buf_free(&ids);
}

static void watch_add(hub_conn *conn, user *u)
{
    watch *w = mem_new(watch);

    w->conn = conn;
    w->user = u;
    w->next = u->watchers;
    if (w->next)
        w->next->prev = w;
    u->watchers = w;
    w->next_of_conn = conn->watches;
    conn->watches = w;
}

static bool is_watched(const hub_conn *conn, const char *id)
{
    for (const watch *w = conn->watches; w; w = w->next_of_conn)
        if (strcmp(w->user->id, id) == 0)
            return true;
    return false;
}

/* Takes over the list, up to the limit, and says at once who of it is online. */
static void watch_start(hub_conn *conn, const json_t *list)
{
    unsigned max = conn->app->options.max_watchlist, taken = 0;
    buf online = {0}, offline = {0};
    const json_t *item;
    size_t i;

    json_array_foreach (list, i, item) {
        const char *id = json_string_value(item);
        user *u;

        if (!id || is_watched(conn, id))
            continue;
        if (++taken > max)
            break;
        u = user_get(conn->app, id);
        watch_add(conn, u);
        put_id(u->conns ? &online : &offline, id);
    }
    if (taken > max)
        conn_error(conn, CODE_WATCHLIST_LIMIT, NULL,
                   "The watchlist has more than %u users; the first %u are watched", max, max);
    send_watch_events(conn, &online, &offline);
    buf_free(&online);
    buf_free(&offline);
}

static void user_enter(hub_conn *conn, const char *id)
{
    user *u = user_get(conn->app, id);
    bool first = !u->conns;

    conn->user = u;
    conn->user_next = u->conns;
    if (u->conns)
        u->conns->user_prev = conn;
    u->conns = conn;
    if (first) {
        conn->app->hub->stats.users++;
        tell_watchers(u, true);
    }
}

static void watch_stop(hub_conn *conn)
{
    watch *next;

    for (watch *w = conn->watches; w; w = next) {
        next = w->next_of_conn;
        if (w->prev)
            w->prev->next = w->next;
        else
            w->user->watchers = w->next;
        if (w->next)
            w->next->prev = w->prev;
        user_release(w->user);
        free(w);
    }
    conn->watches = NULL;
}

void user_signout(hub_conn *conn)
{
    user *u = conn->user;

    watch_stop(conn);
    if (!u)
        return;
    if (conn->user_prev)
        conn->user_prev->user_next = conn->user_next;
    else
        u->conns = conn->user_next;
    if (conn->user_next)
        conn->user_next->user_prev = conn->user_prev;
    conn->user = NULL;
    if (!u->conns) {
        conn->app->hub->stats.users--;
        tell_watchers(u, false);
    }
    user_release(u);
    free(conn->user_data);
    conn->user_data = NULL;
}

/* The id as a string; a number is taken for its decimal form. The caller frees; NULL if there is no
 * usable one. */
static char *user_id_of(const json_t *data)
{
    const json_t *id = json_object_get(data, "id");

    if (json_is_integer(id))
        return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(id));
    if (json_is_string(id) && channel_chars_valid(json_string_value(id), json_string_length(id)))
        return mem_strdup(json_string_value(id));
    return NULL;
}

static void signin_good(hub_conn *conn, const char *user_data, const json_t *data, const char *id)
{
    if (!conn->user) {
        conn->user_data = mem_strdup(user_data);
        user_enter(conn, id);
    }
    conn_set_authorized(conn);
    log_info_as(conn->log_name, "event=signin user=%s", LOG_Q(id));
    pusher_frame_signin_success(&conn->app->hub->scratch, user_data);
    conn_send_scratch(conn);
    if (conn->app->options.watchlist && !conn->watches)
        watch_start(conn, json_object_get(data, "watchlist"));
    subscribe_retry_held(conn);
}

/* Whom the app says that it is: one of its players or staff, where user_data says so, else a user
 * of its own. */
static bool count_for_user(hub_conn *conn, const char *user_data, const char *id)
{
    const hub_guard *guard = &conn->app->guard;
    char identity[LIMIT_KEY_SIZE];

    if (!guard->identity || !guard->identity(guard->arg, user_data, identity, sizeof(identity)))
        snprintf(identity, sizeof(identity), "user:%s", id);
    return conn_count_for(conn, identity);
}

static void signin_checked(hub_conn *conn, const char *user_data)
{
    json_t *data = json_loads(user_data, JSON_REJECT_DUPLICATES, NULL);
    char *id = user_id_of(data);

    if (!id)
        hub_conn_fail(conn, CODE_UNAUTHORIZED,
                      "user_data must be a JSON object with an id of letters, digits and _-=@,.;");
    else if (conn->user && strcmp(conn->user->id, id) != 0)
        hub_conn_fail(conn, CODE_UNAUTHORIZED, "The connection is signed in as another user");
    else if (!count_for_user(conn, user_data, id))
        hub_conn_fail(conn, CODE_IDENTITY_FULL, IDENTITY_FULL);
    else
        signin_good(conn, user_data, data, id);
    free(id);
    json_decref(data);
}

void user_signin(hub_conn *conn, const pusher_message *m)
{
    const hub_app_options *o = &conn->app->options;

    if (!m->user_data)
        hub_conn_fail(conn, CODE_UNAUTHORIZED, "pusher:signin needs auth and user_data");
    else if (pusher_check_user(m->auth, o->key, o->secret, conn->socket_id, m->user_data) !=
             PUSHER_AUTH_OK)
        hub_conn_fail(conn, CODE_UNAUTHORIZED,
                      "Invalid signature: Expected HMAC SHA256 hex digest of "
                      "<socket_id>::user::<user_data>");
    else
        signin_checked(conn, m->user_data);
}

unsigned hub_terminate_user(hub_app *app, const char *user_id)
{
    user *u = user_find(app, user_id);
    unsigned n = 0;

    for (hub_conn *conn = u ? u->conns : NULL; conn; conn = conn->user_next, n++)
        hub_conn_fail(conn, CODE_UNAUTHORIZED, "The user's connections were terminated by the app");
    return n;
}
