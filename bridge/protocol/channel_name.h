/* channel_name.h - what a channel's name says about it. Pure. */
#ifndef UNICHAT_PROTOCOL_CHANNEL_NAME_H
#define UNICHAT_PROTOCOL_CHANNEL_NAME_H

#include <stdbool.h>
#include <stddef.h>

typedef enum channel_kind {
    CHANNEL_PUBLIC,
    CHANNEL_PRIVATE,
    CHANNEL_ENCRYPTED, /* private-encrypted-: the data is opaque to us */
    CHANNEL_PRESENCE,
    CHANNEL_USER, /* #server-to-user-ID, for the connections signed in as ID */
} channel_kind;

typedef struct channel_type {
    channel_kind kind;
    bool cache; /* keeps its last event for those who come later */
} channel_type;

#define CHANNEL_USER_PREFIX "#server-to-user-"

/* Letters, digits and _-=@,.; and at least one of them, at most max_len; or a user's channel. */
bool channel_name_valid(const char *name, size_t len, size_t max_len);

/* The charset of channel names, which user ids share. */
bool channel_chars_valid(const char *s, size_t len);

/* By the prefix; the name need not be valid. */
channel_type channel_name_type(const char *name);

/* Whether to subscribe needs an authorization by the app. */
bool channel_kind_needs_auth(channel_kind kind);

/* The user's id in the name of a user's channel. */
const char *channel_name_user(const char *name);

#endif
