/* UTF-8, hex, base64, numbers, and the buffer's JSON strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_string.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rand.h"
#include "base/text.h"

static bool valid(const char *s)
{
    return text_utf8_valid(s, strlen(s));
}

static void utf8_is_judged_as_unicode_does(void **state)
{
    (void)state;
    assert_true(valid("") && valid("abc") && valid("äöü €") && valid("😀") &&
                valid("\xF4\x8F\xBF\xBF"));
    assert_false(valid("\x80"));             /* a tail byte alone */
    assert_false(valid("\xC0\xAF"));         /* overlong / */
    assert_false(valid("\xE0\x80\xAF"));     /* overlong in three */
    assert_false(valid("\xED\xA0\x80"));     /* a surrogate */
    assert_false(valid("\xF4\x90\x80\x80")); /* beyond U+10FFFF */
    assert_false(valid("\xE2\x82"));         /* cut */
    assert_false(valid("\xFF"));
}

static void utf8_is_counted_and_cut_by_characters(void **state)
{
    (void)state;
    const char *s = "aé€😀z";
    assert_int_equal(text_utf8_count(s, strlen(s)), 5);
    assert_int_equal(text_utf8_prefix(s, strlen(s), 0), 0);
    assert_int_equal(text_utf8_prefix(s, strlen(s), 2), 3);
    assert_int_equal(text_utf8_prefix(s, strlen(s), 4), 10);
    assert_int_equal(text_utf8_prefix(s, strlen(s), 9), 11);
}

static void hex_is_written_in_lower_case(void **state)
{
    (void)state;
    char out[7];
    text_hex(out, "\x00\xAB\xff", 3);
    assert_string_equal(out, "00abff");
    assert_int_equal(text_hex_digit('9'), 9);
    assert_int_equal(text_hex_digit('B'), 11);
    assert_int_equal(text_hex_digit('g'), -1);
}

static void base64_matches_rfc_4648(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const char *plain = vectors[i][0], *coded = vectors[i][1];
        unsigned char *back;
        size_t len;
        assert_true(text_unbase64(coded, strlen(coded), &back, &len));
        assert_int_equal(len, strlen(plain));
        assert_memory_equal(back, plain, len);
        free(back);
    }
    char *url = text_base64url("\xfb\xff", 2);
    assert_string_equal(url, "-_8");
    free(url);
}

static void bad_base64_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"A", "AA=", "A===", "A=AA", "AA A", "AAAAA", "===="};
    unsigned char *data;
    size_t len;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(text_unbase64(bad[i], strlen(bad[i]), &data, &len));
}

static void numbers_are_whole_and_in_range(void **state)
{
    (void)state;
    int64_t v;
    assert_true(text_parse_int("-5", -5, 5, &v) && v == -5);
    assert_false(text_parse_int("6", -5, 5, &v));
    assert_false(text_parse_int("", 0, 5, &v));
    assert_false(text_parse_int(" 1", 0, 5, &v));
    assert_false(text_parse_int("+1", 0, 5, &v));
    assert_false(text_parse_int("1x", 0, 5, &v));
    assert_false(text_parse_int("99999999999999999999", INT64_MIN, INT64_MAX, &v));
    uint64_t u;
    assert_true(text_parse_digits("18446744073709551615x", 20, &u) && u == UINT64_MAX);
    assert_false(text_parse_digits("18446744073709551616", 20, &u));
    assert_false(text_parse_digits("99999999999999999999", 20, &u));
    assert_false(text_parse_digits("1", 0, &u));
    assert_false(text_parse_digits("-1", 2, &u));
    assert_false(text_parse_digits("1:", 2, &u));
    assert_true(text_parse_duration("90", 1000, &v) && v == 90000);
    assert_true(text_parse_duration("5 min", 1000, &v) && v == 300000);
    assert_true(text_parse_duration("250ms", 1000, &v) && v == 250);
    assert_false(text_parse_duration("5 weeks", 1000, &v));
    assert_false(text_parse_duration("-1s", 1000, &v));
    assert_false(text_parse_duration("9223372036854775807d", 1000, &v));
    assert_true(text_parse_size("64kB", &v) && v == 65536);
    assert_false(text_parse_size("64 frogs", &v));
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    buf b = {0};
    buf_put_json_string(&b, "a\"\\\n\t\x01/é", strlen("a\"\\\n\t\x01/é"));
    assert_string_equal(b.data, "\"a\\\"\\\\\\n\\t\\u0001/é\"");
    buf_free(&b);
}

/* What every implementation must do, one byte after the other. */
static void escape_slowly(char *to, const char *s, size_t len)
{
    for (; len > 0; s++, len--) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            to += sprintf(to, "\\%c", c);
        else if (c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t')
            to += sprintf(to, "\\%c", "btn-fr"[c - '\b']);
        else if (c < 0x20)
            to += sprintf(to, "\\u%04x", c);
        else
            *to++ = (char)c;
    }
    *to = '\0';
}

/* Texts of every length up to 100, from ones without anything special to ones with nothing else; in
 * memory of their exact size, for the sanitizer. */
static void json_strings_of_every_length_are_escaped(void **state)
{
    (void)state;
    static const char special[] = "\"\\\b\f\n\r\t\x01\x1f\"\"";
    static const char plain[] = " !#/[]{}:,azAZ09\x7f\x80\xff";
    srand(1);
    for (size_t len = 0; len <= 100; len++)
        for (int often = 0; often <= 8; often++) {
            char *text = malloc(len), *to = malloc(JSON_STRING_ROOM(len)), expected[601];
            size_t first = len;
            for (size_t i = 0; i < len; i++) {
                bool is_special = rand() % 8 < often;
                text[i] = is_special ? special[(size_t)rand() % (sizeof(special) - 1)]
                                     : plain[(size_t)rand() % (sizeof(plain) - 1)];
                if (is_special && first == len)
                    first = i;
            }
            escape_slowly(expected, text, len);
            assert_int_equal(json_string_plain(text, len), first);
            assert_int_equal(json_string_escape(to, text, len) - to, strlen(expected));
            assert_memory_equal(to, expected, strlen(expected));
            free(text);
            free(to);
        }
}

static void a_buffer_grows_and_is_emptied(void **state)
{
    (void)state;
    buf b = {0};
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%03d,", i);
    assert_int_equal(b.len, 4000);
    assert_string_equal(b.data + 3996, "999,");
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    char *taken = buf_take(&b);
    assert_string_equal(taken, "");
    free(taken);
}

static void times_are_written_in_utc(void **state)
{
    (void)state;
    char out[CLOCK_RFC3339_SIZE];
    clock_rfc3339_us(out, 1767225599123456);
    assert_string_equal(out, "2025-12-31T23:59:59.123456Z");
    clock_rfc3339_ms(out, 1767225599123456);
    assert_string_equal(out, "2025-12-31T23:59:59.123Z");
}

static void jitter_stays_within_its_bounds(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t ms = rand_jitter(1000, 20);
        assert_in_range(ms, 800, 1200);
    }
    assert_int_equal(rand_jitter(0, 50), 0);
}

static void metrics_are_rendered_by_family(void **state)
{
    (void)state;
    metric *a = metric_counter("t_events_total", "source=\"a\"", "Events.");
    metric *depth = metric_gauge("t_depth", NULL, "Depth.");
    metric *b = metric_counter("t_events_total", "source=\"b\"", "Events.");
    assert_ptr_equal(a, metric_counter("t_events_total", "source=\"a\"", "Events."));
    metric_add(a, 2);
    metric_add(b, 3);
    metric_set(depth, 7);
    buf out = {0};
    metrics_render(&out);
    assert_non_null(strstr(out.data,
                           "# HELP t_events_total Events.\n# TYPE t_events_total counter\n"
                           "t_events_total{source=\"a\"} 2\nt_events_total{source=\"b\"} 3\n"));
    assert_non_null(strstr(out.data, "# TYPE t_depth gauge\nt_depth 7\n"));
    buf_free(&out);
}

static void histograms_are_cumulative(void **state)
{
    (void)state;
    metric *m = metric_duration("t_seconds", NULL, "Time.");
    metric_observe_us(m, 90);
    metric_observe_us(m, 2000);
    metric_observe_us(m, 99000000);
    buf out = {0};
    metrics_render(&out);
    assert_non_null(strstr(out.data, "t_seconds_bucket{le=\"0.0001\"} 1\n"));
    assert_non_null(strstr(out.data, "t_seconds_bucket{le=\"0.0025\"} 2\n"));
    assert_non_null(strstr(out.data, "t_seconds_bucket{le=\"10\"} 2\n"));
    assert_non_null(strstr(out.data, "t_seconds_bucket{le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(out.data, "t_seconds_count 3\n"));
    buf_free(&out);
}

static void secrets_compare_by_content(void **state)
{
    (void)state;
    assert_true(text_equal_secret("abc", 3, "abc", 3));
    assert_false(text_equal_secret("abc", 3, "abd", 3));
    assert_false(text_equal_secret("abc", 3, "ab", 2));
    assert_true(text_equal_secret("", 0, "", 0));
}

static void a_quoted_value_cannot_leave_its_quotes(void **state)
{
    (void)state;
    assert_string_equal(LOG_Q("a\"b\\c"), "\"a\\\"b\\\\c\"");
    assert_string_equal(LOG_Q(NULL), "\"\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_judged_as_unicode_does),
        cmocka_unit_test(utf8_is_counted_and_cut_by_characters),
        cmocka_unit_test(hex_is_written_in_lower_case),
        cmocka_unit_test(base64_matches_rfc_4648),
        cmocka_unit_test(bad_base64_is_refused),
        cmocka_unit_test(numbers_are_whole_and_in_range),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(json_strings_of_every_length_are_escaped),
        cmocka_unit_test(a_buffer_grows_and_is_emptied),
        cmocka_unit_test(times_are_written_in_utc),
        cmocka_unit_test(jitter_stays_within_its_bounds),
        cmocka_unit_test(metrics_are_rendered_by_family),
        cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(secrets_compare_by_content),
        cmocka_unit_test(a_quoted_value_cannot_leave_its_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
