/* pusher_publish.c - see pusher_publish.h. */
#include "protocol/pusher_publish.h"

#include "base/mem.h"
#include "protocol/channel_name.h"
#include "protocol/pusher_sign.h"

#include <stdlib.h>
#include <string.h>

bool pusher_info_parse(pusher_info *info, const char *text)
{
    *info = (pusher_info){0};
    while (text && *text) {
        size_t len = strcspn(text, ",");

        if (len == 10 && strncmp(text, "user_count", len) == 0)
            info->user_count = true;
        else if (len == 18 && strncmp(text, "subscription_count", len) == 0)
            info->subscription_count = true;
        else if (len == 5 && strncmp(text, "cache", len) == 0)
            info->cache = true;
        else if (len > 0)
            return false;
        text += len + (text[len] == ',');
    }
    return true;
}

static bool is_reserved(const char *name)
{
    return strncmp(name, "pusher:", 7) == 0 || strncmp(name, "pusher_internal:", 16) == 0;
}

static int read_name(pusher_event *e, const json_t *object, const pusher_publish_limits *limits,
                     char **why)
{
    const json_t *name = json_object_get(object, "name");

    e->name = json_string_value(name);
    if (!e->name || !*e->name || strlen(e->name) != json_string_length(name))
        *why = mem_strdup("name must be a string that is not empty and has no NUL");
    else if (json_string_length(name) > limits->event_name)
        *why = mem_printf("name is longer than %zu bytes", limits->event_name);
    else if (is_reserved(e->name))
        *why = mem_strdup("name must not begin with pusher: or pusher_internal:");
    return *why ? 400 : 0;
}

static int read_data(pusher_event *e, const json_t *object, const pusher_publish_limits *limits,
                     char **why)
{
    const json_t *data = json_object_get(object, "data");

    if (!json_is_string(data)) {
        *why = mem_strdup("data must be a string");
        return 400;
    }
    e->data = json_string_value(data);
    e->data_len = json_string_length(data);
    if (e->data_len <= limits->data)
        return 0;
    *why = mem_printf("The data content of this event exceeds the allowed maximum (%zu bytes)",
                      limits->data);
    return 413;
}

static int add_channel(pusher_event *e, const json_t *item, const pusher_publish_limits *limits,
                       char **why)
{
    const char *name = json_string_value(item);

    if (!name || !channel_name_valid(name, json_string_length(item), limits->channel_name)) {
        *why = mem_printf("A channel name is a string of 1 to %zu letters, digits and _-=@,.;",
                          limits->channel_name);
        return 400;
    }
    e->channels[e->n_channels++] = name;
    return 0;
}

static int read_channels(pusher_event *e, const json_t *object, const pusher_publish_limits *limits,
                         char **why)
{
    const json_t *list = json_object_get(object, "channels");
    const json_t *one = json_object_get(object, "channel");
    size_t n = list ? json_array_size(list) : 1, i;
    const json_t *item;
    int status = 0;

    if (!list == !one || n == 0 || n > limits->channels) {
        *why = mem_printf("Give one channel, or channels with 1 to %zu names", limits->channels);
        return 400;
    }
    e->channels = mem_array(n, sizeof(e->channels[0]));
    if (one)
        return add_channel(e, one, limits, why);
    json_array_foreach (list, i, item)
        if (!status)
            status = add_channel(e, item, limits, why);
    return status;
}

static int read_options(pusher_event *e, const json_t *object, char **why)
{
    const json_t *socket_id = json_object_get(object, "socket_id");
    const json_t *info = json_object_get(object, "info");

    e->socket_id = json_string_value(socket_id);
    if (socket_id && !json_is_null(socket_id) &&
        (!e->socket_id || !pusher_socket_id_valid(e->socket_id)))
        *why = mem_strdup("socket_id must be two numbers with a dot between them");
    else if (!pusher_info_parse(&e->info, json_string_value(info)) || e->info.cache)
        *why = mem_strdup("info may have user_count and subscription_count");
    return *why ? 400 : 0;
}

static int read_event(pusher_event *e, const json_t *object, const pusher_publish_limits *limits,
                      char **why)
{
    int status = read_name(e, object, limits, why);

    if (!status)
        status = read_data(e, object, limits, why);
    if (!status)
        status = read_channels(e, object, limits, why);
    if (!status)
        status = read_options(e, object, why);
    return status;
}

static int read_batch(pusher_publish *p, const pusher_publish_limits *limits, char **why)
{
    const json_t *batch = json_object_get(p->root, "batch");
    size_t n = json_array_size(batch), i;
    const json_t *item;
    int status = 0;

    if (!json_is_array(batch) || n > limits->batch) {
        *why = mem_printf("batch must be a list of at most %zu events", limits->batch);
        return 400;
    }
    p->events = mem_array(n + 1, sizeof(p->events[0]));
    json_array_foreach (batch, i, item) {
        p->n_events++;
        status = read_event(&p->events[i], item, limits, why);
        if (status)
            break;
    }
    return status;
}

int pusher_publish_parse(pusher_publish *p, const char *body, size_t len, bool batch,
                         const pusher_publish_limits *limits, char **why)
{
    int status;

    *p = (pusher_publish){.root =
                              json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL)};
    *why = NULL;
    if (!json_is_object(p->root)) {
        *why = mem_strdup("The body must be a JSON object");
        status = 400;
    } else if (batch) {
        status = read_batch(p, limits, why);
    } else {
        p->events = mem_array(1, sizeof(p->events[0]));
        p->n_events = 1;
        status = read_event(p->events, p->root, limits, why);
    }
    if (status)
        pusher_publish_free(p);
    return status;
}

void pusher_publish_free(pusher_publish *p)
{
    for (size_t i = 0; i < p->n_events; i++)
        free(p->events[i].channels);
    free(p->events);
    json_decref(p->root);
    *p = (pusher_publish){0};
}
