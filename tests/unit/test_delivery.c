/* Channel names and whose they are, and what an event becomes for clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/channel_map.h"
#include "delivery/delivery.h"

static void expect_channel(const char *player, const char *wanted)
{
    char channel[CHANNEL_NAME_SIZE];
    assert_true(channel_of_player(channel, CHANNEL_PLAYER_PREFIX, player));
    assert_string_equal(channel, wanted);
}

static void ids_become_channel_names(void **state)
{
    (void)state;
    expect_channel("42", "player-42");
    expect_channel("a.b_c-d@e,f;g", "player-a.b_c-d@e,f;g");
    expect_channel("a b", "player-a=20b");
    expect_channel("a=20b", "player-a=3D20b");
    expect_channel("josé+1", "player-jos=C3=A9=2B1");
    expect_channel("\x7f\x01/", "player-=7F=01=2F");
}

static void the_longest_id_has_a_name_and_a_longer_one_has_none(void **state)
{
    (void)state;
    char id[130], channel[CHANNEL_NAME_SIZE];
    memset(id, '#', 128);
    id[128] = '\0';
    assert_true(channel_of_player(channel, CHANNEL_PLAYER_PRIVATE_PREFIX, id));
    assert_int_equal(strlen(channel), CHANNEL_NAME_SIZE - 1);
    strcat(id, "#");
    assert_false(channel_of_player(channel, CHANNEL_PLAYER_PRIVATE_PREFIX, id));
}

/* Every single byte makes a name that the protocol takes, and no two make the same one. */
static void every_id_has_a_name_of_its_own(void **state)
{
    (void)state;
    char names[256][CHANNEL_NAME_SIZE];
    for (int c = 1; c < 256; c++) {
        char id[2] = {(char)c, '\0'};
        assert_true(channel_of_player(names[c], CHANNEL_PLAYER_PREFIX, id));
        assert_int_equal(strspn(names[c], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-=@,.;"),
                         strlen(names[c]));
        for (int other = 1; other < c; other++)
            assert_string_not_equal(names[c], names[other]);
        char *back = channel_player(names[c]);
        assert_non_null(back);
        assert_string_equal(back, id);
        free(back);
    }
}

static void guarded_are_the_public_names(void **state)
{
    (void)state;
    assert_true(channel_is_guarded("staff-portal"));
    assert_true(channel_is_guarded("player-42"));
    assert_true(channel_is_guarded("player-"));
    assert_false(channel_is_guarded("private-player-42"));
    assert_false(channel_is_guarded("presence-staff"));
    assert_false(channel_is_guarded("news"));
    assert_true(channel_is_of_chat("private-staff-portal"));
    assert_true(channel_is_of_chat("presence-staff"));
    assert_false(channel_is_of_chat("private-orders"));
}

static bool allows(const char *channel, caller_role role, const char *sub)
{
    caller *who = caller_new(role, sub, NULL, 0);
    bool allowed = channel_allows(channel, who);
    caller_free(who);
    return allowed;
}

static void a_player_may_hear_itself_alone(void **state)
{
    (void)state;
    assert_true(allows("player-42", CALLER_PLAYER, "42"));
    assert_true(allows("private-player-42", CALLER_PLAYER, "42"));
    assert_true(allows("private-player-a=20b", CALLER_PLAYER, "a b"));
    assert_false(allows("player-43", CALLER_PLAYER, "42"));
    assert_false(allows("player-4", CALLER_PLAYER, "42"));
    assert_false(allows("player-42x", CALLER_PLAYER, "42"));
    assert_false(allows("private-player-a=20b", CALLER_PLAYER, "a=20b"));
    assert_false(allows("player-=34=32", CALLER_PLAYER, "42"));
    assert_false(allows("staff-portal", CALLER_PLAYER, "42"));
    assert_false(allows("private-staff-portal", CALLER_PLAYER, "42"));
    assert_false(allows("presence-staff", CALLER_PLAYER, "42"));
}

static void the_staff_may_hear_the_chat_and_nobody_hears_nothing(void **state)
{
    (void)state;
    static const char *const all[] = {"staff-portal", "private-staff-portal", "presence-staff",
                                      "player-42", "private-player-42"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_true(allows(all[i], CALLER_STAFF, "grace"));
        assert_false(channel_allows(all[i], NULL));
    }
    assert_false(allows("private-orders", CALLER_STAFF, "grace"));
}

static void expect_names(const char *payload, const char *staff, const char *player)
{
    db_event event;
    delivery_names names;
    assert_true(db_event_parse(&event, payload, strlen(payload)));
    assert_true(delivery_names_of(&event, &names));
    assert_string_equal(names.staff, staff);
    assert_string_equal(names.player, player);
    db_event_clear(&event);
}

#define EVENT(kind, more)                                                                          \
    "{\"playerId\":\"p\",\"seq\":1,\"kind\":\"" kind "\"," more "\"xid\":\"7\"}"

static void kinds_become_pusher_events(void **state)
{
    (void)state;
    expect_names(EVENT("request_created", ""), "new-chat-request", "chat-request-created");
    expect_names(EVENT("message", "\"sender\":\"player\","), "chat-message-received",
                 "player-message-received");
    expect_names(EVENT("message", "\"sender\":\"staff\","), "chat-message-received",
                 "staff-message-received");
    expect_names(EVENT("message", "\"sender\":\"system\","), "chat-message-received",
                 "staff-message-received");
    expect_names(EVENT("claimed", ""), "chat-status-changed", "chat-status-updated");
    expect_names(EVENT("released", ""), "chat-status-changed", "chat-status-updated");
    expect_names(EVENT("resolved", ""), "chat-status-changed", "chat-status-updated");
    expect_names(EVENT("erased", ""), "chat-erased", "chat-erased");
}

static void clients_get_the_fields_without_the_xid(void **state)
{
    (void)state;
    const char payload[] = EVENT("message", "\"sender\":\"player\",\"message\":\"a \\\"b\\\" é\",");
    db_event event;
    assert_true(db_event_parse(&event, payload, strlen(payload)));
    char *data = delivery_data_of(&event, NULL);
    assert_string_equal(data, "{\"playerId\":\"p\",\"seq\":1,\"kind\":\"message\","
                              "\"sender\":\"player\",\"message\":\"a \\\"b\\\" é\"}");
    free(data);
    db_event_clear(&event);
}

static void an_unknown_kind_is_not_delivered(void **state)
{
    (void)state;
    const char payload[] = EVENT("exploded", "");
    db_event event;
    delivery_names names;
    assert_true(db_event_parse(&event, payload, strlen(payload)));
    assert_false(delivery_names_of(&event, &names));
    db_event_clear(&event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_become_channel_names),
        cmocka_unit_test(the_longest_id_has_a_name_and_a_longer_one_has_none),
        cmocka_unit_test(every_id_has_a_name_of_its_own),
        cmocka_unit_test(guarded_are_the_public_names),
        cmocka_unit_test(a_player_may_hear_itself_alone),
        cmocka_unit_test(the_staff_may_hear_the_chat_and_nobody_hears_nothing),
        cmocka_unit_test(kinds_become_pusher_events),
        cmocka_unit_test(clients_get_the_fields_without_the_xid),
        cmocka_unit_test(an_unknown_kind_is_not_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
