/* channel_map.h - the channels of the chat and whose they are. Pure; docs/events.md, "Channel
 * names". */
#ifndef UNICHAT_DELIVERY_CHANNEL_MAP_H
#define UNICHAT_DELIVERY_CHANNEL_MAP_H

#include "identity/caller.h"

#include <stdbool.h>
#include <stddef.h>

#define CHANNEL_PRIVATE_FORM "private-"
#define CHANNEL_STAFF "staff-portal"
#define CHANNEL_STAFF_PRIVATE CHANNEL_PRIVATE_FORM CHANNEL_STAFF
#define CHANNEL_STAFF_PRESENCE "presence-staff"
#define CHANNEL_PLAYER_PREFIX "player-"
#define CHANNEL_PLAYER_PRIVATE_PREFIX CHANNEL_PRIVATE_FORM CHANNEL_PLAYER_PREFIX

/* The longest name: the longer prefix, 128 bytes of which each is three characters, and a NUL. */
#define CHANNEL_NAME_SIZE (sizeof(CHANNEL_PLAYER_PRIVATE_PREFIX) + 3 * 128)

/* Writes prefix and encoded id; false when the id is longer than 128 bytes. */
bool channel_of_player(char out[CHANNEL_NAME_SIZE], const char *prefix, const char *player_id)
    __attribute__((warn_unused_result));

/* The player whose channel it is, in either form; NULL when it is not a player's. The caller frees.
 */
char *channel_player(const char *channel) __attribute__((warn_unused_result));

/* Whether it is one of the public names that carry the chat, which nobody may join without a proven
 * identity. */
bool channel_is_guarded(const char *channel);

/* Whether it is the staff's channel, in either form. */
bool channel_is_of_staff(const char *channel);

/* Whether it is any channel of the chat: guarded, or one of the private and presence forms. */
bool channel_is_of_chat(const char *channel);

/* Whether `who` may listen to a channel of the chat: staff to all, a player to its own, nobody
 * (NULL) to none. */
bool channel_allows(const char *channel, const caller *who);

#endif
