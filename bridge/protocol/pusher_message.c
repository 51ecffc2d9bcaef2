/* pusher_message.c - see pusher_message.h. */
#include "protocol/pusher_message.h"

#include "protocol/json_slice.h"

#include <stdlib.h>
#include <string.h>

/* A NUL is legal in the data of a client event. */
#define PARSE_FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

static const struct {
    const char *event;
    pusher_message_kind kind;
} kinds[] = {
    {"pusher:ping", PUSHER_PING},           {"pusher:pong", PUSHER_PONG},
    {"pusher:subscribe", PUSHER_SUBSCRIBE}, {"pusher:unsubscribe", PUSHER_UNSUBSCRIBE},
    {"pusher:signin", PUSHER_SIGNIN},
};

static pusher_message_kind kind_of(const char *event)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(event, kinds[i].event) == 0)
            return kinds[i].kind;
    return strncmp(event, "client-", 7) == 0 ? PUSHER_CLIENT_EVENT : PUSHER_OTHER;
}

/* NULL, too, for a string with a NUL in it: no name, signature or user data has one. */
static const char *string_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    const char *s = json_string_value(value);

    return s && strlen(s) == json_string_length(value) ? s : NULL;
}

/* Clients send an object; some libraries send it as a string of JSON, as the server does. */
static void read_data(pusher_message *m)
{
    json_t *data = json_object_get(m->root, "data");

    if (json_is_string(data)) {
        json_t *inner =
            json_loadb(json_string_value(data), json_string_length(data), PARSE_FLAGS, NULL);

        if (inner)
            json_object_set_new(m->root, "data", data = inner);
    }
    m->channel = string_of(data, "channel");
    m->auth = string_of(data, "auth");
    m->channel_data = string_of(data, "channel_data");
    m->user_data = string_of(data, "user_data");
}

static void read_client_event(pusher_message *m, const char *text, size_t len)
{
    json_t *data = json_object_get(m->root, "data");

    m->channel = string_of(m->root, "channel");
    if (!data || json_slice(text, len, "data", &m->data, &m->data_len))
        return;
    m->dumped = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
    m->data = m->dumped;
    m->data_len = m->dumped ? strlen(m->dumped) : 0;
}

bool pusher_message_parse(pusher_message *m, const char *text, size_t len, const char **why)
{
    memset(m, 0, sizeof(*m));
    m->root = json_loadb(text, len, PARSE_FLAGS, NULL);
    m->event = string_of(m->root, "event");
    if (!json_is_object(m->root) || !m->event) {
        *why = m->root ? "Received a message without an event" : "Received invalid JSON";
        pusher_message_free(m);
        return false;
    }
    m->kind = kind_of(m->event);
    if (m->kind == PUSHER_CLIENT_EVENT)
        read_client_event(m, text, len);
    else
        read_data(m);
    return true;
}

void pusher_message_free(pusher_message *m)
{
    json_decref(m->root);
    free(m->dumped);
    m->root = NULL;
    m->dumped = NULL;
}
