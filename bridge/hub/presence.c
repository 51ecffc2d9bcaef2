/* presence.c - see presence.h. */
#include "hub/presence.h"

#include "base/mem.h"
#include "hub/conn.h"
#include "protocol/json_slice.h"
#include "protocol/pusher_frame.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define USER_ID_MAX 128

void presence_member_free(member *m)
{
    free(m->id);
    free(m->id_json);
    free(m->info_json);
    free(m);
}

/* The text of a member of the JSON object, as it was written where that can be found. */
static char *raw_value(const char *text, const json_t *object, const char *key)
{
    const char *start;
    size_t len;
    const json_t *value = json_object_get(object, key);

    if (!value)
        return NULL;
    if (json_slice(text, strlen(text), key, &start, &len))
        return mem_strndup(start, len);
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static char *id_string(const json_t *id)
{
    if (json_is_string(id) && json_string_length(id) == strlen(json_string_value(id)))
        return mem_strdup(json_string_value(id));
    if (json_is_integer(id))
        return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(id));
    return NULL;
}

static member *member_from(const char *text, const char *id_key)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    member *m = NULL;
    char *id = id_string(json_object_get(object, id_key));

    if (id && *id && strlen(id) <= USER_ID_MAX) {
        m = mem_new(member);
        m->id = id;
        m->id_json = raw_value(text, object, id_key);
        m->info_json = raw_value(text, object, "user_info");
    } else {
        free(id);
    }
    json_decref(object);
    return m;
}

static bool is_full(const channel *c, const member *m)
{
    member *there;

    HASH_FIND_STR(c->members, m->id, there);
    return !there && presence_count(c) >= c->app->options.max_presence_members;
}

member *presence_member_parse(const hub_conn *conn, const channel *c, const char *channel_data,
                              const char **type, const char **why, int *status)
{
    const char *text = channel_data ? channel_data : conn->user_data;
    member *m = text ? member_from(text, channel_data ? "user_id" : "id") : NULL;

    *type = "LimitReached";
    if (!m) {
        *type = "AuthError";
        *status = 401;
        *why = "A presence channel needs channel_data with a user_id of 1 to 128 characters";
    } else if (m->info_json && strlen(m->info_json) > c->app->options.max_presence_user_bytes) {
        *status = 4301;
        *why = "The user_info is larger than this app allows";
    } else if (is_full(c, m)) {
        *status = 4100;
        *why = "The presence channel has as many members as this app allows";
    } else {
        return m;
    }
    if (m)
        presence_member_free(m);
    return NULL;
}

unsigned presence_count(const channel *c)
{
    return HASH_COUNT(c->members);
}

static void put_member(buf *out, const member *m, bool with_info)
{
    buf_puts(out, "{\"user_id\":");
    buf_puts(out, m->id_json);
    if (with_info && m->info_json) {
        buf_puts(out, ",\"user_info\":");
        buf_puts(out, m->info_json);
    }
    buf_putc(out, '}');
}

static void announce(channel *c, const member *m, hub_happening_kind kind, const hub_conn *except)
{
    bool added = kind == HUB_MEMBER_ADDED;
    buf data = {0};

    put_member(&data, m, added);
    pusher_frame_event(&c->app->hub->scratch, c->name,
                       added ? "pusher_internal:member_added" : "pusher_internal:member_removed",
                       data.data, data.len);
    channel_send_scratch(c, except);
    buf_free(&data);
    if (!c->reserved)
        app_tell(c->app, &(hub_happening){.kind = kind, .channel = c->name, .user_id = m->id});
}

/* The user_info of his first connection stays. */
void presence_join(subscription *sub, member *m)
{
    channel *c = sub->channel;
    member *there;

    HASH_FIND_STR(c->members, m->id, there);
    if (there) {
        presence_member_free(m);
        there->refs++;
        sub->member = there;
        return;
    }
    m->refs = 1;
    sub->member = m;
    HASH_ADD_KEYPTR(hh, c->members, m->id, strlen(m->id), m);
    announce(c, m, HUB_MEMBER_ADDED, sub->conn);
}

member *presence_leave(subscription *sub)
{
    member *m = sub->member;

    sub->member = NULL;
    if (!m || --m->refs > 0)
        return NULL;
    HASH_DEL(sub->channel->members, m);
    return m;
}

void presence_announce_leave(channel *c, member *m)
{
    announce(c, m, HUB_MEMBER_REMOVED, NULL);
    presence_member_free(m);
}

void presence_roster(const channel *c, buf *out)
{
    const member *m;
    const char *comma = "";

    buf_puts(out, "{\"presence\":{\"ids\":[");
    for (m = c->members; m; m = m->hh.next, comma = ",") {
        buf_puts(out, comma);
        buf_put_json_string(out, m->id, strlen(m->id));
    }
    buf_puts(out, "],\"hash\":{");
    comma = "";
    for (m = c->members; m; m = m->hh.next, comma = ",") {
        buf_puts(out, comma);
        buf_put_json_string(out, m->id, strlen(m->id));
        buf_putc(out, ':');
        buf_puts(out, m->info_json ? m->info_json : "null");
    }
    buf_printf(out, "},\"count\":%u}}", presence_count(c));
}
