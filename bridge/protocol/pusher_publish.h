/* pusher_publish.h - the bodies of POST /events and POST /batch_events, decoded and checked. Pure.
 *
 *     {"name","data","channels":[…] or "channel","socket_id"?,"info"?}
 * {"batch":[{"name","data","channel",…}]}
 */
#ifndef UNICHAT_PROTOCOL_PUSHER_PUBLISH_H
#define UNICHAT_PROTOCOL_PUSHER_PUBLISH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct pusher_publish_limits {
    size_t channels, batch, event_name, channel_name, data;
} pusher_publish_limits;

/* What `info` asks to be told. */
typedef struct pusher_info {
    bool user_count, subscription_count, cache;
} pusher_info;

typedef struct pusher_event {
    const char *name;
    const char *data;
    size_t data_len;
    const char **channels;
    size_t n_channels;
    const char *socket_id; /* or NULL */
    pusher_info info;
} pusher_event;

typedef struct pusher_publish {
    pusher_event *events;
    size_t n_events;
    json_t *root; /* owns every string */
} pusher_publish;

/*
 * On success 0, and the caller frees with pusher_publish_free(). On error an HTTP status, nothing
 * to free, and *why a text which the caller frees.
 */
int pusher_publish_parse(pusher_publish *p, const char *body, size_t len, bool batch,
                         const pusher_publish_limits *limits, char **why)
    __attribute__((warn_unused_result));
void pusher_publish_free(pusher_publish *p);

/* "user_count,subscription_count,cache"; false if there is anything else in it. NULL is nothing. */
bool pusher_info_parse(pusher_info *info, const char *text) __attribute__((warn_unused_result));

#endif
