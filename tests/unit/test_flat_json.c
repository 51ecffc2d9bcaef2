/* test_flat_json.c - what is one flat object, what is not, and how texts are decoded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "protocol/flat_json.h"

/* Reads it all; the number of members, or -1 if it is not well-formed. */
static int members(const char *text)
{
    flat_json j;
    flat_member m;
    int n = 0;
    flat_json_open(&j, text, strlen(text));
    while (flat_json_next(&j, &m))
        n++;
    return j.whole ? n : -1;
}

static void flat_objects_are_read(void **state)
{
    (void)state;
    assert_int_equal(members("{}"), 0);
    assert_int_equal(members("{\"a\":1}"), 1);
    assert_int_equal(members("{\"a\":-10,\"b\":\"x\",\"c\":null,\"d\":true,\"e\":false,\"\":0}"),
                     6);
    assert_int_equal(members("{\"a\":\"},{\\\"\\\\\"}"), 1);
    assert_int_equal(members("{\"a\":\"\\u00e9\\/\\b\\f\\n\\r\\t\"}"), 1);
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "{",
                                      "}",
                                      "[]",
                                      "1",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1",
                                      "{\"a\":1,}",
                                      "{,\"a\":1}",
                                      "{a:1}",
                                      "{\"a\":1}x",
                                      "{\"a\":[]}",
                                      "{\"a\":{}}",
                                      "{\"a\":nul}",
                                      "{\"a\":01}",
                                      "{\"a\":-}",
                                      "{\"a\":1.5}",
                                      "{\"a\": 1}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"",
                                      "{\"a\":\"\\",
                                      "{\"a\":1{\"b\":2}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u00g0\"}",
                                      "{\"a\\n\":1}",
                                      "{\"a\":\"\\u12",
                                      "{{\"a\":1}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (members(bad[i]) != -1)
            fail_msg("accepted: %s", bad[i]);
}

static int64_t decode(const char *quoted, char *out)
{
    return flat_member_text(&(flat_member){.value = quoted, .value_len = strlen(quoted)}, out);
}

static void texts_are_decoded(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(decode("\"\"", out), 0);
    assert_string_equal(out, "");
    assert_int_equal(decode("\"plain\"", out), 5);
    assert_string_equal(out, "plain");
    assert_int_equal(decode("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", out), 8);
    assert_string_equal(out, "\"\\/\b\f\n\r\t");
    assert_int_equal(decode("\"a\\u0041\\u00e9\\u20ac.\"", out), 8);
    assert_string_equal(out, "aA\xc3\xa9\xe2\x82\xac.");
    assert_int_equal(decode("\"\\u0000\"", out), -1);
    assert_int_equal(decode("\"\\ud83d\\ude00\"", out), -1);
    assert_int_equal(decode("12", out), -1);
}

static void integers_are_read(void **state)
{
    (void)state;
    int64_t value;
    assert_true(flat_member_int(&(flat_member){.value = "-42,", .value_len = 3}, &value));
    assert_int_equal(value, -42);
    assert_false(flat_member_int(&(flat_member){.value = "\"4\"", .value_len = 3}, &value));
    assert_false(
        flat_member_int(&(flat_member){.value = "99999999999999999999", .value_len = 20}, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_objects_are_read),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(texts_are_decoded),
        cmocka_unit_test(integers_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
