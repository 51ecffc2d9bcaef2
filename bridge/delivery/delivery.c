/* delivery.c - see delivery.h.
 *
 * Who may listen to the public names is decided by the connection's proven identity: the token of
 * its handshake, or the user of its pusher:signin, whose user_data this bridge's own
 * /pusher/user-auth has signed.
 */
#include "delivery/delivery.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "delivery/channel_map.h"
#include "delivery/position.h"
#include "hub/follow.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static metric *published;
static char *staff_position;
static char *current_epoch;

static const struct {
    const char *kind;
    delivery_names names;
} kinds[] = {
    {"request_created", {"new-chat-request", "chat-request-created"}},
    {"message", {"chat-message-received", "staff-message-received"}},
    {"claimed", {"chat-status-changed", "chat-status-updated"}},
    {"released", {"chat-status-changed", "chat-status-updated"}},
    {"resolved", {"chat-status-changed", "chat-status-updated"}},
    {"blocked", {"player-blocked", "player-blocked"}},
    {"unblocked", {"player-unblocked", "player-unblocked"}},
    {"erased", {"chat-erased", "chat-erased"}},
    {"pruned", {"chat-pruned", "chat-pruned"}},
};

bool delivery_names_of(const db_event *event, delivery_names *names)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].kind, event->kind) != 0)
            continue;
        *names = kinds[i].names;
        if (event->sender && strcmp(event->sender, "player") == 0)
            names->player = "player-message-received";
        return true;
    }
    return false;
}

void delivery_set_position(const char *of_epoch, const snapshot *s)
{
    free(staff_position);
    staff_position = position_encode(of_epoch, s);
    mem_replace(&current_epoch, of_epoch);
}

const char *delivery_position(void)
{
    return staff_position;
}

const char *delivery_epoch(void)
{
    return current_epoch;
}

char *delivery_data_of(const db_event *event, const char *at)
{
    buf data = {0};
    buf_append(&data, event->data, event->data_len);
    if (at) {
        data.len--; /* the brace */
        buf_puts(&data, ",\"position\":");
        buf_put_json_string(&data, at, strlen(at));
        buf_putc(&data, '}');
    }
    return buf_take(&data);
}

static void publish(hub_app *app, const char *channel, const char *name, const db_event *event)
{
    metric_add(published,
               hub_publish_event(app, channel, name, event->data, event->data_len, event));
}

static void publish_to_staff(hub_app *app, const char *channel, const char *name,
                             const db_event *event, char **data)
{
    if (!hub_has_subscribers(app, channel))
        return;
    if (!*data)
        *data = delivery_data_of(event, staff_position);
    metric_add(published, hub_publish_event(app, channel, name, *data, strlen(*data), event));
}

void delivery_publish(hub_app *app, const db_event *event)
{
    delivery_names names;
    char private_channel[CHANNEL_NAME_SIZE];
    const char *channel = private_channel + strlen(CHANNEL_PRIVATE_FORM);
    char *staff_data = NULL;
    if (!delivery_names_of(event, &names) ||
        !channel_of_player(private_channel, CHANNEL_PLAYER_PRIVATE_PREFIX, event->player_id)) {
        log_error("event=event_unknown kind=%s seq=%lld", LOG_Q(event->kind),
                  (long long)event->seq);
        return;
    }
    publish_to_staff(app, CHANNEL_STAFF, names.staff, event, &staff_data);
    publish_to_staff(app, CHANNEL_STAFF_PRIVATE, names.staff, event, &staff_data);
    publish(app, channel, names.player, event);
    publish(app, private_channel, names.player, event);
    free(staff_data);
}

/* ---- the guard ---- */

static bool guard_is_reserved(void *arg, const char *channel)
{
    (void)arg;
    return channel_is_of_chat(channel);
}

static bool guard_is_guarded(void *arg, const char *channel)
{
    (void)arg;
    return channel_is_guarded(channel);
}

/* Who has signed in: user_data is {"id", "user_info": {"role", "sub", "name"}} as /pusher/user-auth
 * makes it. */
static caller *signed_in_caller(const char *text)
{
    json_t *data = text ? json_loads(text, 0, NULL) : NULL;
    const char *role_name = NULL, *sub = NULL;
    caller *who = NULL;
    caller_role role;
    if (data &&
        json_unpack(data, "{s:{s:s, s:s}}", "user_info", "sub", &sub, "role", &role_name) == 0 &&
        caller_role_parse(role_name, &role))
        who = caller_new(role, sub, NULL, 0);
    json_decref(data);
    return who;
}

static hub_verdict guard_may_listen(void *arg, const hub_conn *conn, const char *channel,
                                    const char **why)
{
    (void)arg;
    if (channel_allows(channel, hub_conn_caller(conn)))
        return HUB_ALLOW;
    caller *who = signed_in_caller(hub_conn_user_data(conn));
    bool signed_in = hub_conn_user_id(conn) != NULL;
    bool allowed = channel_allows(channel, who);
    caller_free(who);
    if (allowed)
        return HUB_ALLOW;
    *why = "This channel needs a proven identity that may listen to it";
    return signed_in || hub_conn_caller(conn) ? HUB_DENY : HUB_WAIT;
}

static bool guard_identity(void *arg, const char *user_data, char *out, size_t size)
{
    (void)arg;
    caller *who = signed_in_caller(user_data);
    bool known = who != NULL;
    if (known)
        caller_key(who, out, size);
    caller_free(who);
    return known;
}

void delivery_start(hub_app *app)
{
    static const hub_guard guard = {guard_is_guarded, guard_is_reserved, guard_may_listen,
                                    guard_identity, NULL};
    published = metric_counter("unichat_deliveries_total", NULL,
                               "Events handed to connections, counted for each of them.");
    hub_app_set_guard(app, &guard);
}
