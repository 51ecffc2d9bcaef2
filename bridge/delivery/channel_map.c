/* channel_map.c - see channel_map.h.
 *
 * A player's id is opaque text and a channel name is not: it has letters, digits and _ - = @ , . ;
 * alone. Every byte that is none of these, and `=` itself, is written as `=` and two upper-case hex
 * digits, so different ids have different names. Whether a name is a player's own is found by
 * encoding the id, never by decoding the name.
 */
#include "delivery/channel_map.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const bool is_plain[256] = {
    ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['_'] = true, ['-'] = true,
    ['@'] = true,         [','] = true,         ['.'] = true,         [';'] = true,
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool channel_of_player(char out[CHANNEL_NAME_SIZE], const char *prefix, const char *player_id)
{
    static const char hex[] = "0123456789ABCDEF";
    if (strlen(player_id) > 128)
        return false;
    size_t at = strlen(prefix);
    memcpy(out, prefix, at);
    for (const unsigned char *c = (const unsigned char *)player_id; *c != '\0'; c++) {
        if (is_plain[*c]) {
            out[at++] = (char)*c;
            continue;
        }
        out[at++] = '=';
        out[at++] = hex[*c >> 4];
        out[at++] = hex[*c & 15];
    }
    out[at] = '\0';
    return true;
}

/* Undoes the encoding. Only what channel_of_player() writes is a name: a second spelling of the
 * same id would be a channel that nobody publishes to. */
static char *decode(const char *channel, const char *prefix)
{
    char *id = mem_strdup(channel + strlen(prefix)), *to = id;
    char again[CHANNEL_NAME_SIZE];
    for (const char *from = id; *from != '\0'; to++) {
        bool coded = *from == '=' && text_hex_digit(from[1]) >= 0 && text_hex_digit(from[2]) >= 0;
        *to = coded ? (char)(text_hex_digit(from[1]) * 16 + text_hex_digit(from[2])) : *from;
        from += coded ? 3 : 1;
    }
    *to = '\0';
    if (*id != '\0' && channel_of_player(again, prefix, id) && strcmp(again, channel) == 0)
        return id;
    free(id);
    return NULL;
}

char *channel_player(const char *channel)
{
    if (starts_with(channel, CHANNEL_PLAYER_PREFIX))
        return decode(channel, CHANNEL_PLAYER_PREFIX);
    if (starts_with(channel, CHANNEL_PLAYER_PRIVATE_PREFIX))
        return decode(channel, CHANNEL_PLAYER_PRIVATE_PREFIX);
    return NULL;
}

bool channel_is_guarded(const char *channel)
{
    return strcmp(channel, CHANNEL_STAFF) == 0 || starts_with(channel, CHANNEL_PLAYER_PREFIX);
}

bool channel_is_of_staff(const char *channel)
{
    return strcmp(channel, CHANNEL_STAFF) == 0 || strcmp(channel, CHANNEL_STAFF_PRIVATE) == 0;
}

bool channel_is_of_chat(const char *channel)
{
    return channel_is_guarded(channel) || strcmp(channel, CHANNEL_STAFF_PRIVATE) == 0 ||
           strcmp(channel, CHANNEL_STAFF_PRESENCE) == 0 ||
           starts_with(channel, CHANNEL_PLAYER_PRIVATE_PREFIX);
}

bool channel_allows(const char *channel, const caller *who)
{
    char own[CHANNEL_NAME_SIZE];
    if (!who || !channel_is_of_chat(channel))
        return false;
    if (who->role == CALLER_STAFF)
        return true;
    return (channel_of_player(own, CHANNEL_PLAYER_PREFIX, who->sub) && strcmp(own, channel) == 0) ||
           (channel_of_player(own, CHANNEL_PLAYER_PRIVATE_PREFIX, who->sub) &&
            strcmp(own, channel) == 0);
}
