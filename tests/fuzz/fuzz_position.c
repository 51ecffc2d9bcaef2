/* A position as a client may send it, and channel names: what is taken comes out again as the same
 * place, and as the same name. */
#include "delivery/channel_map.h"
#include "delivery/position.h"
#include "protocol/channel_name.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* It may have been shortened, and then sees less; never more. */
static void check_position(const char *text)
{
    position p, again;

    if (!position_decode(text, &p))
        return;
    char *encoded = position_encode(p.epoch, p.snapshot);
    assert(position_decode(encoded, &again));
    assert(strcmp(p.epoch, again.epoch) == 0);
    assert(snapshot_covers(p.snapshot, again.snapshot));
    free(encoded);
    position_clear(&again);
    position_clear(&p);
}

/* A player's channel is one player's, and the player's name of it is this one. */
static void check_channel(const char *text)
{
    char name[CHANNEL_NAME_SIZE];
    bool is_private = strncmp(text, CHANNEL_PLAYER_PRIVATE_PREFIX, 15) == 0;
    const char *prefix = is_private ? CHANNEL_PLAYER_PRIVATE_PREFIX : CHANNEL_PLAYER_PREFIX;
    char *player = channel_player(text);

    if (player) {
        assert(channel_is_of_chat(text) && !channel_is_of_staff(text));
        assert(channel_of_player(name, prefix, player) && strcmp(name, text) == 0);
    }
    if (channel_is_guarded(text))
        assert(!channel_kind_needs_auth(channel_name_type(text).kind));
    assert(!channel_allows(text, NULL));
    free(player);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    check_position(text);
    if (channel_name_valid(text, strlen(text), 500))
        check_channel(text);
    free(text);
    return 0;
}
