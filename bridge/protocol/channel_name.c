/* channel_name.c - see channel_name.h. */
#include "protocol/channel_name.h"

#include <string.h>

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_channel_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-=@,.;", c));
}

bool channel_chars_valid(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_channel_char(s[i]))
            return false;
    return len > 0;
}

bool channel_name_valid(const char *name, size_t len, size_t max_len)
{
    size_t prefix = strlen(CHANNEL_USER_PREFIX);

    if (len > max_len)
        return false;
    if (len > prefix && memcmp(name, CHANNEL_USER_PREFIX, prefix) == 0)
        return channel_chars_valid(name + prefix, len - prefix);
    return channel_chars_valid(name, len);
}

channel_type channel_name_type(const char *name)
{
    static const struct {
        const char *prefix; /* longer ones before their own beginnings */
        channel_type type;
    } types[] = {
        {"private-encrypted-cache-", {CHANNEL_ENCRYPTED, true}},
        {"private-encrypted-", {CHANNEL_ENCRYPTED, false}},
        {"private-cache-", {CHANNEL_PRIVATE, true}},
        {"private-", {CHANNEL_PRIVATE, false}},
        {"presence-cache-", {CHANNEL_PRESENCE, true}},
        {"presence-", {CHANNEL_PRESENCE, false}},
        {"cache-", {CHANNEL_PUBLIC, true}},
        {CHANNEL_USER_PREFIX, {CHANNEL_USER, false}},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (has_prefix(name, types[i].prefix))
            return types[i].type;
    return (channel_type){CHANNEL_PUBLIC, false};
}

bool channel_kind_needs_auth(channel_kind kind)
{
    return kind == CHANNEL_PRIVATE || kind == CHANNEL_ENCRYPTED || kind == CHANNEL_PRESENCE;
}

const char *channel_name_user(const char *name)
{
    return has_prefix(name, CHANNEL_USER_PREFIX) ? name + strlen(CHANNEL_USER_PREFIX) : NULL;
}
