/* Channel names, frames, messages and bodies of the Pusher protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "protocol/channel_name.h"
#include "protocol/json_slice.h"
#include "protocol/pusher_frame.h"
#include "protocol/pusher_message.h"
#include "protocol/pusher_publish.h"
#include "protocol/ws_header.h"

/* ---- channel names ---- */

static bool name_ok(const char *name)
{
    return channel_name_valid(name, strlen(name), 200);
}

static void channel_names_have_rules(void **state)
{
    char long_name[202];

    (void)state;
    assert_true(name_ok("a") && name_ok("staff-portal") && name_ok("Az09_-=@,.;"));
    assert_true(name_ok("#server-to-user-42"));
    assert_false(name_ok("") || name_ok("a b") || name_ok("a/b") || name_ok("ä") || name_ok("a:b"));
    assert_false(name_ok("#server-to-user-") || name_ok("#other") ||
                 name_ok("#server-to-user-a b"));
    assert_false(channel_name_valid("a\0b", 3, 200));
    memset(long_name, 'x', sizeof(long_name));
    assert_true(channel_name_valid(long_name, 200, 200));
    assert_false(channel_name_valid(long_name, 201, 200));
}

static void assert_type(const char *name, channel_kind kind, bool cache)
{
    channel_type type = channel_name_type(name);

    assert_int_equal(type.kind, kind);
    assert_int_equal(type.cache, cache);
}

static void channel_names_tell_their_type(void **state)
{
    (void)state;
    assert_type("x", CHANNEL_PUBLIC, false);
    assert_type("cache-x", CHANNEL_PUBLIC, true);
    assert_type("private-x", CHANNEL_PRIVATE, false);
    assert_type("private-cache-x", CHANNEL_PRIVATE, true);
    assert_type("private-encrypted-x", CHANNEL_ENCRYPTED, false);
    assert_type("private-encrypted-cache-x", CHANNEL_ENCRYPTED, true);
    assert_type("presence-x", CHANNEL_PRESENCE, false);
    assert_type("presence-cache-x", CHANNEL_PRESENCE, true);
    assert_type("#server-to-user-7", CHANNEL_USER, false);
    assert_type("privatex", CHANNEL_PUBLIC, false);
    assert_string_equal(channel_name_user("#server-to-user-7"), "7");
}

/* ---- headers and frames ---- */

static void headers_have_three_lengths(void **state)
{
    uint8_t h[WS_HEADER_MAX];

    (void)state;
    assert_int_equal(ws_header(h, WS_TEXT, 125), 2);
    assert_memory_equal(h, "\x81\x7d", 2);
    assert_int_equal(ws_header(h, WS_TEXT, 126), 4);
    assert_memory_equal(h, "\x81\x7e\x00\x7e", 4);
    assert_int_equal(ws_header(h, WS_TEXT, 65535), 4);
    assert_memory_equal(h, "\x81\x7e\xff\xff", 4);
    assert_int_equal(ws_header(h, WS_TEXT, 65536), 10);
    assert_memory_equal(h, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
    assert_int_equal(ws_header(h, WS_PING, 0), 2);
    assert_memory_equal(h, "\x89\x00", 2);
}

static void assert_text(buf *b, const char *expected)
{
    assert_string_equal(b->data, expected);
    buf_free(b);
}

static void events_are_double_encoded(void **state)
{
    buf b = {0};

    (void)state;
    pusher_frame_event(&b, "x", "e", "{\"a\":\"\xc3\xa4\\n\"}", 12);
    assert_text(&b, "{\"event\":\"e\",\"channel\":\"x\",\"data\":\"{\\\"a\\\":\\\"ä\\\\n\\\"}\"}");
    pusher_frame_event(&b, "cache-x", "pusher:cache_miss", NULL, 0);
    assert_text(&b, "{\"event\":\"pusher:cache_miss\",\"channel\":\"cache-x\"}");
    pusher_frame_established(&b, "1.2", 120);
    assert_text(&b, "{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":"
                    "\\\"1.2\\\",\\\"activity_timeout\\\":120}\"}");
    pusher_frame_signin_success(&b, "{\"id\":\"7\"}");
    assert_text(&b, "{\"event\":\"pusher:signin_success\",\"data\":\"{\\\"user_data\\\":"
                    "\\\"{\\\\\\\"id\\\\\\\":\\\\\\\"7\\\\\\\"}\\\"}\"}");
}

static void errors_are_objects(void **state)
{
    buf b = {0};

    (void)state;
    pusher_frame_error(&b, 4001, "no", NULL);
    assert_text(&b, "{\"event\":\"pusher:error\",\"data\":{\"code\":4001,\"message\":\"no\"}}");
    pusher_frame_error(&b, 0, "a \"b\"", "x");
    assert_text(&b, "{\"event\":\"pusher:error\",\"channel\":\"x\",\"data\":{\"code\":null,"
                    "\"message\":\"a \\\"b\\\"\"}}");
}

static void client_events_pass_as_they_were(void **state)
{
    buf b = {0};

    (void)state;
    pusher_frame_client_event(&b, "presence-x", "client-e", "{ \"n\": 1.10 }", 13, "7");
    assert_text(&b, "{\"event\":\"client-e\",\"channel\":\"presence-x\",\"data\":{ \"n\": 1.10 },"
                    "\"user_id\":\"7\"}");
}

/* ---- messages ---- */

static pusher_message parse(const char *text)
{
    pusher_message m;
    const char *why;

    assert_true(pusher_message_parse(&m, text, strlen(text), &why));
    return m;
}

static void subscribe_has_its_fields(void **state)
{
    pusher_message m = parse("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"private-x\","
                             "\"auth\":\"k:s\",\"channel_data\":\"{}\"}}");

    (void)state;
    assert_int_equal(m.kind, PUSHER_SUBSCRIBE);
    assert_string_equal(m.channel, "private-x");
    assert_string_equal(m.auth, "k:s");
    assert_string_equal(m.channel_data, "{}");
    pusher_message_free(&m);
    m = parse("{\"event\":\"pusher:subscribe\",\"data\":\"{\\\"channel\\\":\\\"x\\\"}\"}");
    assert_string_equal(m.channel, "x");
    pusher_message_free(&m);
    m = parse("{\"event\":\"pusher:subscribe\"}");
    assert_null(m.channel);
    pusher_message_free(&m);
}

static void a_client_events_data_is_its_text(void **state)
{
    pusher_message m = parse("{\"data\" : {\"b\":1.10,\"a\":[\"}\"]} ,\"event\":\"client-e\","
                             "\"channel\":\"private-x\"}");

    (void)state;
    assert_int_equal(m.kind, PUSHER_CLIENT_EVENT);
    assert_int_equal(m.data_len, strlen("{\"b\":1.10,\"a\":[\"}\"]}"));
    assert_memory_equal(m.data, "{\"b\":1.10,\"a\":[\"}\"]}", m.data_len);
    pusher_message_free(&m);
    m = parse("{\"event\":\"client-e\",\"channel\":\"private-x\",\"d\\u0061ta\":[1]}");
    assert_memory_equal(m.data, "[1]", 3);
    pusher_message_free(&m);
}

static void what_is_no_message_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "x",
                                        "[]",
                                        "1",
                                        "{\"event\":1}",
                                        "{}",
                                        "{\"event\":\"a\",\"event\":\"b\"}",
                                        "{\"event\":\"\xff\"}",
                                        "{\"event\":\"a\"} x"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        pusher_message m;
        const char *why = NULL;

        assert_false(pusher_message_parse(&m, wrong[i], strlen(wrong[i]), &why));
        assert_non_null(why);
    }
}

static void other_events_are_known_by_kind(void **state)
{
    static const struct {
        const char *text;
        pusher_message_kind kind;
    } cases[] = {
        {"{\"event\":\"pusher:ping\",\"data\":{}}", PUSHER_PING},
        {"{\"event\":\"pusher:pong\"}", PUSHER_PONG},
        {"{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"x\"}}", PUSHER_UNSUBSCRIBE},
        {"{\"event\":\"pusher:signin\",\"data\":{\"auth\":\"\",\"user_data\":\"\"}}",
         PUSHER_SIGNIN},
        {"{\"event\":\"pusher_internal:member_added\"}", PUSHER_OTHER},
        {"{\"event\":\"clientx\"}", PUSHER_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pusher_message m = parse(cases[i].text);

        assert_int_equal(m.kind, cases[i].kind);
        pusher_message_free(&m);
    }
}

static void slices_are_found_at_the_top_only(void **state)
{
    static const char text[] = "{\"x\":{\"data\":1},\"data\":[{\"data\":2}],\"y\":\"data\"}";
    const char *start;
    size_t len;

    (void)state;
    assert_true(json_slice(text, strlen(text), "data", &start, &len));
    assert_int_equal(len, strlen("[{\"data\":2}]"));
    assert_memory_equal(start, "[{\"data\":2}]", len);
    assert_false(json_slice(text, strlen(text), "z", &start, &len));
}

/* ---- publish ---- */

static const pusher_publish_limits limits = {
    .channels = 2, .batch = 2, .event_name = 10, .channel_name = 20, .data = 8};

static int publish_status(const char *body, bool batch)
{
    pusher_publish p;
    char *why = NULL;
    int status = pusher_publish_parse(&p, body, strlen(body), batch, &limits, &why);

    if (!status)
        pusher_publish_free(&p);
    else
        assert_non_null(why);
    free(why);
    return status;
}

static void events_are_checked(void **state)
{
    (void)state;
    assert_int_equal(publish_status("{\"name\":\"e\",\"data\":\"d\",\"channel\":\"x\"}", false), 0);
    assert_int_equal(
        publish_status("{\"name\":\"e\",\"data\":\"12345678\",\"channels\":[\"x\",\"y\"],"
                       "\"socket_id\":\"1.2\",\"info\":\"user_count\"}",
                       false),
        0);
    assert_int_equal(
        publish_status("{\"name\":\"e\",\"data\":\"123456789\",\"channel\":\"x\"}", false), 413);
    static const char *const bad[] = {
        "[]",
        "{",
        "{\"name\":\"e\",\"data\":{},\"channel\":\"x\"}",
        "{\"name\":\"\",\"data\":\"\",\"channel\":\"x\"}",
        "{\"name\":\"12345678901\",\"data\":\"\",\"channel\":\"x\"}",
        "{\"name\":\"pusher:x\",\"data\":\"\",\"channel\":\"x\"}",
        "{\"name\":\"pusher_internal:x\",\"data\":\"\",\"channel\":\"x\"}",
        "{\"name\":\"e\",\"data\":\"\"}",
        "{\"name\":\"e\",\"data\":\"\",\"channels\":[]}",
        "{\"name\":\"e\",\"data\":\"\",\"channels\":[\"a\",\"b\",\"c\"]}",
        "{\"name\":\"e\",\"data\":\"\",\"channels\":[\"a\",1]}",
        "{\"name\":\"e\",\"data\":\"\",\"channel\":\"a b\"}",
        "{\"name\":\"e\",\"data\":\"\",\"channel\":\"a\",\"socket_id\":\"x\"}",
        "{\"name\":\"e\",\"data\":\"\",\"channel\":\"a\",\"info\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(publish_status(bad[i], false), 400);
}

static void batches_are_checked(void **state)
{
    (void)state;
    assert_int_equal(publish_status("{\"batch\":[]}", true), 0);
    assert_int_equal(
        publish_status("{\"batch\":[{\"name\":\"e\",\"data\":\"\",\"channel\":\"x\"}]}", true), 0);
    assert_int_equal(publish_status("{\"batch\":[{\"name\":\"e\",\"data\":\"\",\"channel\":\"x\"},"
                                    "{\"name\":\"e\",\"channel\":\"x\"}]}",
                                    true),
                     400);
    assert_int_equal(publish_status("{\"batch\":[{},{},{}]}", true), 400);
    assert_int_equal(publish_status("{}", true), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channel_names_have_rules),
        cmocka_unit_test(channel_names_tell_their_type),
        cmocka_unit_test(headers_have_three_lengths),
        cmocka_unit_test(events_are_double_encoded),
        cmocka_unit_test(errors_are_objects),
        cmocka_unit_test(client_events_pass_as_they_were),
        cmocka_unit_test(subscribe_has_its_fields),
        cmocka_unit_test(a_client_events_data_is_its_text),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(other_events_are_known_by_kind),
        cmocka_unit_test(slices_are_found_at_the_top_only),
        cmocka_unit_test(events_are_checked),
        cmocka_unit_test(batches_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
