/* publication.c - see publication.h. */
#include "delivery/publication.h"

#include "base/log.h"
#include "protocol/channel_name.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MAX_PARTS 1000u

void publication_clear(publication *p)
{
    buf_free(&p->text);
    *p = (publication){0};
}

static bool is_reserved(const char *event)
{
    return strncmp(event, "pusher:", 7) == 0 || strncmp(event, "pusher_internal:", 16) == 0;
}

/* A name that is none is refused here too. */
static void publish(hub_app *app, const buf *text)
{
    json_t *message = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, NULL);
    const char *socket_id = json_string_value(json_object_get(message, "socket_id"));
    const char *channel, *event, *data;
    size_t data_len;

    if (json_unpack(message, "{s:s, s:s, s:s%}", "channel", &channel, "event", &event, "data",
                    &data, &data_len) == 0 &&
        channel_name_valid(channel, strlen(channel), 500) && !is_reserved(event))
        hub_publish(app, channel, event, data, data_len, socket_id);
    else
        log_warning("event=publication_refused bytes=%zu", text->len);
    json_decref(message);
}

static bool continues(const publication *p, const char *id, unsigned part, unsigned parts)
{
    return strcmp(p->id, id) == 0 && part == p->next && parts == p->parts;
}

void publication_take(publication *p, hub_app *app, const char *payload)
{
    char id[sizeof(p->id)];
    unsigned part, parts;
    int header = 0;

    if (sscanf(payload, "%39s %u %u%n", id, &part, &parts, &header) != 3 ||
        payload[header] != ' ' || part < 1 || part > parts || parts > MAX_PARTS) {
        log_warning("event=publication_refused reason=form");
        return;
    }
    if (part == 1) {
        publication_clear(p);
        strcpy(p->id, id);
        p->next = 1;
        p->parts = parts;
    }
    if (!continues(p, id, part, parts)) {
        log_warning("event=publication_refused reason=order");
        publication_clear(p);
        return;
    }
    buf_puts(&p->text, payload + header + 1);
    if (p->next++ == parts) {
        publish(app, &p->text);
        publication_clear(p);
    }
}
