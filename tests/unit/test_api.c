/* The HTTP API's pure parts: fields of a body, errors of the database, times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/fields.h"
#include "api/respond.h"
#include "api/sql_error.h"

static fields parsed(const char *text)
{
    fields f;
    assert_true(fields_parse(&f, text, strlen(text)));
    return f;
}

static void a_body_is_one_object(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "[]",
                                      "1",
                                      "\"x\"",
                                      "null",
                                      "{",
                                      "{} {}",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\xed\xa0\x80\"}",
                                      "{\"a\":\"\\ud800\"}",
                                      "{\"a\":1e999}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fields f;
        if (fields_parse(&f, bad[i], strlen(bad[i])))
            fail_msg("taken: %s", bad[i]);
        assert_string_equal(f.code, "invalid_json");
        assert_null(f.field);
        fields_free(&f);
    }
}

static void the_field_at_fault_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code;
    } cases[] = {{"{}", "missing_field"},
                 {"{\"x\":null}", "missing_field"},
                 {"{\"x\":1}", "invalid_field"},
                 {"{\"x\":[\"a\"]}", "invalid_field"},
                 {"{\"x\":\"a\\u0000b\"}", "invalid_field"},
                 {"{\"x\":\"123456\"}", "invalid_field"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fields f = parsed(cases[i].body);
        assert_null(fields_required_text(&f, "x", 5));
        assert_string_equal(f.code, cases[i].code);
        assert_string_equal(f.field, "x");
        fields_free(&f);
    }
}

static void the_first_mistake_is_kept(void **state)
{
    (void)state;
    fields f = parsed("{\"a\":1,\"b\":2}");
    assert_null(fields_text(&f, "a", 5));
    assert_null(fields_text(&f, "b", 5));
    assert_string_equal(f.field, "a");
    fields_free(&f);
}

static void what_is_optional_may_be_missing(void **state)
{
    (void)state;
    fields f = parsed("{\"a\":null,\"b\":\"\",\"unknown\":{}}");
    assert_null(fields_text(&f, "a", 5));
    assert_string_equal(fields_text(&f, "b", 5), "");
    assert_null(fields_text(&f, "c", 5));
    assert_null(f.code);
    fields_free(&f);
}

static void ids_are_64_bit_strings_or_numbers(void **state)
{
    (void)state;
    char id[24];
    fields f = parsed("{\"a\":\"9223372036854775807\",\"b\":17,\"c\":null}");
    assert_true(fields_id(&f, "a", id));
    assert_string_equal(id, "9223372036854775807");
    assert_true(fields_id(&f, "b", id));
    assert_string_equal(id, "17");
    assert_false(fields_id(&f, "c", id));
    assert_null(f.code);
    fields_free(&f);
    static const char *const bad[] = {"{\"a\":\"9223372036854775808\"}",
                                      "{\"a\":\"\"}",
                                      "{\"a\":\"x\"}",
                                      "{\"a\":0}",
                                      "{\"a\":-1}",
                                      "{\"a\":1.5}",
                                      "{\"a\":true}",
                                      "{\"a\":\" 1\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        f = parsed(bad[i]);
        assert_false(fields_id(&f, "a", id));
        assert_string_equal(f.code, "invalid_field");
        fields_free(&f);
    }
}

static void whole_numbers_are_checked(void **state)
{
    (void)state;
    fields f = parsed("{\"a\":5,\"b\":-1,\"c\":\"5\"}");
    assert_int_equal(fields_required_integer(&f, "a", 0), 5);
    assert_null(f.code);
    fields_required_integer(&f, "b", 0);
    assert_string_equal(f.field, "b");
    fields_free(&f);
    f = parsed("{\"c\":\"5\"}");
    fields_required_integer(&f, "c", 0);
    assert_string_equal(f.code, "invalid_field");
    fields_free(&f);
}

static api_error translated(const char *sqlstate, const char *column, const char *detail)
{
    db_error e = {.message = "words", .detail = detail, .hint = "", .column = column};
    api_error out;
    strcpy(e.sqlstate, sqlstate);
    api_error_of_sql(&e, &out);
    return out;
}

static void refusals_of_the_database_have_a_status(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate, *column;
        int status;
        const char *code, *field;
    } cases[] = {
        {"UC001", "message_text", 400, "invalid_field", "message"},
        {"UC002", "player_id", 400, "invalid_field", "playerId"},
        {"UC003", "", 400, "invalid_field", "sender"},
        {"UC004", "expected", 400, "invalid_field", "expected"},
        {"UC004", "status", 400, "invalid_field", "status"},
        {"UC005", "urgency", 400, "invalid_field", "urgency"},
        {"UC006", "client_message_id", 400, "invalid_field", "clientMessageId"},
        {"UC006", "player_name", 400, "invalid_field", "playerName"},
        {"UC010", "", 404, "not_found", NULL},
        {"UC011", "", 409, "not_allowed", NULL},
        {"UC013", "", 409, "no_open_request", NULL},
        {"UC014", "", 403, "player_blocked", NULL},
        {"UC015", "", 409, "status_changed", NULL},
        {"UC016", "", 429, "rate_limited", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        api_error e = translated(cases[i].sqlstate, cases[i].column, "");
        assert_int_equal(e.status, cases[i].status);
        assert_string_equal(e.code, cases[i].code);
        assert_string_equal(e.message, "words");
        if (!cases[i].field)
            assert_null(e.field);
        else
            assert_string_equal(e.field, cases[i].field);
    }
}

static void who_has_claimed_it_is_told(void **state)
{
    (void)state;
    api_error e = translated("UC012", "", "It is assigned to \"gra\"ce\".");
    assert_int_equal(e.status, 409);
    assert_string_equal(e.code, "claimed_by_other");
    assert_string_equal(e.owner, "gra\"ce");
    assert_string_equal(translated("UC012", "", "no quotes").owner, "");
}

static void when_to_come_back_is_told(void **state)
{
    (void)state;
    assert_int_equal(translated("UC016", "", "Try again in 42 s.").retry_after, 42);
    assert_int_equal(translated("UC016", "", "").retry_after, 1);
    assert_int_equal(translated("UC016", "", "Try again in 99999999999999999999 s.").retry_after,
                     1);
    assert_int_equal(translated("UC015", "", "Try again in 42 s.").retry_after, 0);
}

static void what_passes_by_itself_is_503(void **state)
{
    (void)state;
    static const char *const passing[] = {"08006", "08007", "57P01", "57014", "53300",
                                          "54000", "40001", "40P01", "55P03"};
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        assert_int_equal(translated(passing[i], "", "").status, 503);
}

static void what_is_not_foreseen_is_500_without_the_databases_words(void **state)
{
    (void)state;
    static const char *const other[] = {"42883", "42501", "XX000", "UC099", "23505"};
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        api_error e = translated(other[i], "", "");
        assert_int_equal(e.status, 500);
        assert_string_equal(e.code, "internal_error");
        assert_string_not_equal(e.message, "words");
    }
}

static void times_become_rfc_3339(void **state)
{
    (void)state;
    char out[28];
    assert_true(time_to_rfc3339("2026-01-31 12:00:00+00", out));
    assert_string_equal(out, "2026-01-31T12:00:00.000000Z");
    assert_true(time_to_rfc3339("2026-01-31 12:00:00.5+00", out));
    assert_string_equal(out, "2026-01-31T12:00:00.500000Z");
    assert_true(time_to_rfc3339("2026-01-31 12:00:00.123456+00", out));
    assert_string_equal(out, "2026-01-31T12:00:00.123456Z");
    static const char *const bad[] = {
        "",         "infinity", "2026-01-31", "2026-01-31 12:00:00+02", "2026-01-31 12:00:00.5",
        "-infinity"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(time_to_rfc3339(bad[i], out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_one_object),
        cmocka_unit_test(the_field_at_fault_is_named),
        cmocka_unit_test(the_first_mistake_is_kept),
        cmocka_unit_test(what_is_optional_may_be_missing),
        cmocka_unit_test(ids_are_64_bit_strings_or_numbers),
        cmocka_unit_test(whole_numbers_are_checked),
        cmocka_unit_test(refusals_of_the_database_have_a_status),
        cmocka_unit_test(who_has_claimed_it_is_told),
        cmocka_unit_test(when_to_come_back_is_told),
        cmocka_unit_test(what_passes_by_itself_is_503),
        cmocka_unit_test(what_is_not_foreseen_is_500_without_the_databases_words),
        cmocka_unit_test(times_become_rfc_3339),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
