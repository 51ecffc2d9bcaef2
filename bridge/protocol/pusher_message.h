/* pusher_message.h - a client's WebSocket message, decoded. Pure.
 *
 *     {"event":"pusher:subscribe","data":{"channel":"private-x","auth":"KEY:HEX","channel_data":"…"}}
 *     {"event":"client-typing","channel":"private-x","data":<anything>}
 */
#ifndef UNICHAT_PROTOCOL_PUSHER_MESSAGE_H
#define UNICHAT_PROTOCOL_PUSHER_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum pusher_message_kind {
    PUSHER_PING,
    PUSHER_PONG,
    PUSHER_SUBSCRIBE,
    PUSHER_UNSUBSCRIBE,
    PUSHER_SIGNIN,
    PUSHER_CLIENT_EVENT,
    PUSHER_OTHER, /* an event that a client may not send */
} pusher_message_kind;

/* What the kind does not have is NULL. The strings belong to the message. */
typedef struct pusher_message {
    pusher_message_kind kind;
    const char *event;
    const char *channel;
    const char *auth;
    const char *channel_data;
    const char *user_data;
    const char *data; /* of a client event: its JSON as it was written; points into the text that
                         was parsed */
    size_t data_len;
    json_t *root;
    char *dumped; /* the owner of `data` in the rare case that it had to be written again */
} pusher_message;

/*
 * On success true, and the caller frees with pusher_message_free(); `text` must live as long. On
 * error false, nothing to free, and *why is a constant text for the client.
 */
bool pusher_message_parse(pusher_message *m, const char *text, size_t len, const char **why)
    __attribute__((warn_unused_result));
void pusher_message_free(pusher_message *m);

#endif
