/* OneSignal: what is asked of it, and what its answers mean. */
#include "push/onesignal.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "0f6c2a4e-6d0b-4f7e-9f61-9a3c1f0e2b11"
#define UUID_A "11111111-2222-3333-4444-555555555555"

static const onesignal_options options = {.app_id = "app",
                                          .target = "segment:Total Subscriptions",
                                          .portal_url = "https://portal.example/staff/",
                                          .preview = ONESIGNAL_PREVIEW_FULL,
                                          .preview_length = 100,
                                          .ttl_s = 900};

static const push_item chat = {.id = "1",
                               .attempt = 1,
                               .idempotency_key = KEY,
                               .kind = "new_chat",
                               .request_id = "4711",
                               .player_id = "88",
                               .player_name = "Ann",
                               .urgency = "high",
                               .message = "I cannot withdraw my winnings",
                               .data = "{}"};

/* The body as JSON equals the expected text as JSON: field by field, in any order. */
static void expect_body(const onesignal_options *o, const push_item *item, const char *expected)
{
    char *text = onesignal_body(o, item);
    json_t *body = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *wanted = json_loads(expected, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(body);
    assert_non_null(wanted);
    if (!json_equal(body, wanted))
        fail_msg("body is\n%s\nand not\n%s", text, expected);
    json_decref(body);
    json_decref(wanted);
    free(text);
}

/* One field by its path of up to two names. The caller frees with json_decref. */
static json_t *field(const onesignal_options *o, const push_item *item, const char *name,
                     const char *inner)
{
    char *text = onesignal_body(o, item);
    json_t *body = json_loads(text, 0, NULL);
    json_t *value = json_object_get(body, name);

    value = json_incref(inner ? json_object_get(value, inner) : value);
    json_decref(body);
    free(text);
    return value;
}

static void expect_text(const onesignal_options *o, const push_item *item, const char *name,
                        const char *inner, const char *expected)
{
    json_t *value = field(o, item, name, inner);

    assert_non_null(value);
    assert_string_equal(json_string_value(value), expected);
    json_decref(value);
}

static void new_chat_has_every_field(void **state)
{
    (void)state;
    expect_body(
        &options, &chat,
        "{\"app_id\":\"app\",\"target_channel\":\"push\",\"included_segments\":[\"Total "
        "Subscriptions\"],"
        "\"headings\":{\"en\":\"[HIGH] New chat - Ann\"},\"contents\":{\"en\":\"I cannot withdraw "
        "my winnings\"},"
        "\"data\":{\"t\":\"new-chat-request\",\"requestId\":\"4711\",\"playerId\":\"88\","
        "\"urgency\":\"high\"},"
        "\"web_url\":\"https://portal.example/staff/#/request/4711\",\"priority\":10,\"ttl\":900,"
        "\"collapse_id\":\"req-4711\",\"web_push_topic\":\"req-4711\","
        "\"ios_interruption_level\":\"time_sensitive\",\"name\":\"unichat req 4711\","
        "\"idempotency_key\":\"" KEY "\"}");
}

static void digest_tells_of_all(void **state)
{
    push_item digest = {.idempotency_key = KEY,
                        .kind = "digest",
                        .request_id = "",
                        .player_id = "",
                        .player_name = "",
                        .urgency = "normal",
                        .message = "",
                        .data = "{}",
                        .waiting = 6,
                        .oldest_s = 754};

    (void)state;
    expect_body(&options, &digest,
                "{\"app_id\":\"app\",\"target_channel\":\"push\",\"included_segments\":[\"Total "
                "Subscriptions\"],"
                "\"headings\":{\"en\":\"6 chats waiting\"},\"contents\":{\"en\":\"The first has "
                "waited for 12 min.\"},"
                "\"data\":{\"t\":\"chats-waiting\",\"urgency\":\"normal\",\"waiting\":6},"
                "\"web_url\":\"https://portal.example/staff/\",\"priority\":10,\"ttl\":900,"
                "\"collapse_id\":\"digest\",\"web_push_topic\":\"digest\",\"ios_interruption_"
                "level\":\"active\","
                "\"name\":\"unichat digest\",\"idempotency_key\":\"" KEY "\"}");
    digest.waiting = 1;
    expect_text(&options, &digest, "headings", "en", "1 chat waiting");
}

static void urgency_shows_in_title_priority_and_level(void **state)
{
    static const struct {
        const char *urgency, *title, *level;
        int priority;
    } cases[] = {{"low", "[LOW] New chat - Ann", "passive", 5},
                 {"normal", "New chat - Ann", "active", 10},
                 {"high", "[HIGH] New chat - Ann", "time_sensitive", 10},
                 {"urgent", "[URGENT] New chat - Ann", "time_sensitive", 10}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        push_item item = chat;
        json_t *priority;

        item.urgency = cases[i].urgency;
        expect_text(&options, &item, "headings", "en", cases[i].title);
        expect_text(&options, &item, "ios_interruption_level", NULL, cases[i].level);
        expect_text(&options, &item, "data", "urgency", cases[i].urgency);
        priority = field(&options, &item, "priority", NULL);
        assert_int_equal(json_integer_value(priority), cases[i].priority);
        json_decref(priority);
    }
}

static void preview_decides_what_leaves_the_house(void **state)
{
    onesignal_options o = options;
    char *text;

    (void)state;
    o.preview = ONESIGNAL_PREVIEW_NAME;
    expect_text(&o, &chat, "headings", "en", "[HIGH] New chat - Ann");
    expect_text(&o, &chat, "contents", "en", "A player waits for an answer.");
    o.preview = ONESIGNAL_PREVIEW_NONE;
    expect_text(&o, &chat, "headings", "en", "[HIGH] New chat");
    text = onesignal_body(&o, &chat);
    assert_null(strstr(text, "Ann"));
    assert_null(strstr(text, "winnings"));
    assert_null(strstr(text, "\"88\""));
    free(text);
}

static void user_text_is_inert_and_bounded(void **state)
{
    push_item item = chat;
    onesignal_options o = options;
    char *name = malloc(2001);

    (void)state;
    memset(name, 'n', 2000);
    name[2000] = '\0';
    item.player_name = "{{evil}}";
    item.message = "{% raw %}\n\"quoted\"";
    expect_text(&o, &item, "headings", "en", "[HIGH] New chat - { {evil}}");
    expect_text(&o, &item, "contents", "en", "{ % raw %} \"quoted\"");
    item.player_name = name;
    item.message = name;
    o.preview_length = 21;
    expect_text(&o, &item, "headings", "en",
                "[HIGH] New chat - nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…");
    expect_text(&o, &item, "contents", "en", "nnnnnnnnnnnnnnnnnnnn…");
    free(name);
}

static void data_of_the_row_goes_along_unless_too_big(void **state)
{
    push_item item = chat;
    char big[4000];

    (void)state;
    item.data = "{\"vip\":\"gold\",\"t\":\"mine\"}";
    expect_text(&options, &item, "data", "vip", "gold");
    expect_text(&options, &item, "data", "t", "new-chat-request");
    strcpy(big, "{\"x\":\"");
    memset(big + 6, 'x', 3000);
    strcpy(big + 3006, "\"}");
    item.data = big;
    assert_null(field(&options, &item, "data", "x"));
    item.data = "not json";
    expect_text(&options, &item, "data", "requestId", "4711");
}

static void text_gives_way_to_a_long_link(void **state)
{
    onesignal_options o = options;
    push_item item = chat;
    char link[1501], message[1001];
    json_t *text;

    (void)state;
    memset(link, 'u', sizeof(link) - 1);
    link[sizeof(link) - 1] = '\0';
    memset(message, 'm', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    o.portal_url = link;
    o.preview_length = 500;
    item.message = message;
    text = field(&o, &item, "contents", "en");
    assert_in_range(json_string_length(text), 1, 25);
    json_decref(text);
}

static void a_player_without_a_name_is_shown_by_id(void **state)
{
    push_item item = chat;

    (void)state;
    item.player_name = "";
    expect_text(&options, &item, "headings", "en", "[HIGH] New chat - 88");
}

static void no_portal_means_no_link(void **state)
{
    onesignal_options o = options;

    (void)state;
    o.portal_url = "";
    assert_null(field(&o, &chat, "web_url", NULL));
}

static void expect_target(const char *target, const char *name, const char *expected)
{
    onesignal_options o = options;
    json_t *value, *wanted = json_loads(expected, 0, NULL);

    o.target = target;
    assert_true(onesignal_target_valid(target));
    value = field(&o, &chat, name, NULL);
    assert_true(json_equal(value, wanted));
    json_decref(value);
    json_decref(wanted);
}

static void targets_become_one_family(void **state)
{
    (void)state;
    expect_target("segment:Staff", "included_segments", "[\"Staff\"]");
    expect_target("tag:role=staff", "filters",
                  "[{\"field\":\"tag\",\"key\":\"role\",\"relation\":\"=\",\"value\":\"staff\"}]");
    expect_target("external_id:staff:7,staff:9", "include_aliases",
                  "{\"external_id\":[\"staff:7\",\"staff:9\"]}");
    expect_target("subscription:" UUID_A, "include_subscription_ids", "[\"" UUID_A "\"]");
}

static void wrong_targets_are_known_as_such(void **state)
{
    static const char *const wrong[] = {"",
                                        "segment",
                                        "segment:",
                                        "tag:role",
                                        "tag:=x",
                                        "external_id:",
                                        "external_id:a,",
                                        "subscription:7",
                                        "everybody:yes",
                                        "segment:\xff"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(onesignal_target_valid(wrong[i]));
}

static push_result answer(int status, const char *body)
{
    push_result result;

    onesignal_result(status, body, strlen(body), -1, status == 0 ? "timed out" : NULL, &result);
    return result;
}

static void answers_mean_what_the_table_says(void **state)
{
    static const struct {
        int status;
        const char *body;
        push_outcome outcome;
    } cases[] = {
        {200, "{\"id\":\"abc\",\"external_id\":null}", PUSH_SENT},
        {200, "{\"id\":\"abc\",\"errors\":{\"invalid_aliases\":{\"external_id\":[\"a\",\"a\"]}}}",
         PUSH_SENT},
        {202, "{\"id\":\"abc\"}", PUSH_SENT},
        {200, "{\"id\":\"\",\"errors\":[\"All included players are not subscribed\"]}",
         PUSH_NO_RECIPIENTS},
        {200, "{\"id\":\"\"}", PUSH_NO_RECIPIENTS},
        {200, "<html>welcome</html>", PUSH_RETRY},
        {200, "", PUSH_RETRY},
        {200, "[]", PUSH_RETRY},
        {200, "{\"id\":7}", PUSH_RETRY},
        {301, "", PUSH_FAILED},
        {400, "{\"errors\":[{}]}", PUSH_FAILED},
        {401, "{\"errors\":[{\"code\":\"x\",\"title\":\"y\"}]}", PUSH_REFUSED},
        {403, "{\"errors\":[\"Access denied.  Please\"]}", PUSH_REFUSED},
        {404, "{}", PUSH_FAILED},
        {408, "", PUSH_RETRY},
        {413, "", PUSH_FAILED},
        {429, "{\"errors\":[\"API rate limit exceeded\"]}", PUSH_RETRY},
        {500, "", PUSH_RETRY},
        {503, "<html>", PUSH_RETRY},
        {0, "", PUSH_RETRY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        push_result result = answer(cases[i].status, cases[i].body);

        if (result.outcome != cases[i].outcome)
            fail_msg("%d %s is %s", cases[i].status, cases[i].body,
                     push_outcome_name(result.outcome));
        assert_int_equal(result.http_status, cases[i].status);
        assert_int_equal(result.unreachable, cases[i].status == 0 || cases[i].status >= 500);
        assert_int_equal(result.throttled, cases[i].status == 429);
    }
}

static void words_are_kept_for_people(void **state)
{
    (void)state;
    assert_string_equal(answer(200, "{\"id\":\"abc\"}").error, "");
    assert_string_equal(answer(200, "{\"id\":\"abc\"}").provider_id, "abc");
    assert_string_equal(
        answer(200, "{\"id\":\"abc\",\"errors\":{\"invalid_player_ids\":[\"u\"]}}").error,
        "{\"invalid_player_ids\":[\"u\"]}");
    assert_string_equal(answer(400, "{\"errors\":[\"no target\"]}").error, "[\"no target\"]");
    assert_string_equal(answer(503, "<html>\n\0").error, "<html> ");
    assert_string_equal(answer(0, "").error, "timed out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_chat_has_every_field),
        cmocka_unit_test(digest_tells_of_all),
        cmocka_unit_test(urgency_shows_in_title_priority_and_level),
        cmocka_unit_test(preview_decides_what_leaves_the_house),
        cmocka_unit_test(user_text_is_inert_and_bounded),
        cmocka_unit_test(data_of_the_row_goes_along_unless_too_big),
        cmocka_unit_test(text_gives_way_to_a_long_link),
        cmocka_unit_test(a_player_without_a_name_is_shown_by_id),
        cmocka_unit_test(no_portal_means_no_link),
        cmocka_unit_test(targets_become_one_family),
        cmocka_unit_test(wrong_targets_are_known_as_such),
        cmocka_unit_test(answers_mean_what_the_table_says),
        cmocka_unit_test(words_are_kept_for_people),
    };

    return cmocka_run_group_tests_name("onesignal", tests, NULL, NULL);
}
