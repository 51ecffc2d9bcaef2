/* What a person wrote, as a notification shows it. */
#include "push/push_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_line(const char *text, size_t max_chars, const char *expected)
{
    char *line = push_text_line(text, max_chars);

    assert_string_equal(line, expected);
    free(line);
}

static void line_is_one_trimmed_line(void **state)
{
    (void)state;
    expect_line("", 10, "");
    expect_line(" \t\r\n ", 10, "");
    expect_line("  a \n\n b\tc  ", 10, "a b c");
    expect_line("a\xc2\xa0\xe2\x80\xa8\xe3\x80\x80z", 10,
                "a z"); /* no-break, line separator, ideographic */
    expect_line("a\x01\x7f\xc2\x85z", 10, "a z");
}

static void line_is_cut_with_an_ellipsis(void **state)
{
    (void)state;
    expect_line("12345", 5, "12345");
    expect_line("123456", 5, "1234\xe2\x80\xa6");
    expect_line("123 567", 5, "123\xe2\x80\xa6");
    expect_line("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 3, "\xc3\xa4\xc3\xb6\xe2\x80\xa6");
    expect_line("abc", 0, "");
}

static void marks_stay_with_their_character(void **state)
{
    (void)state;
    /* e + combining acute; the cut would fall between them */
    expect_line("abe\xcc\x81xyz", 4, "ab\xe2\x80\xa6");
    /* a family of three joined by U+200D is one character to its reader */
    expect_line("a\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7zzz", 5,
                "a\xe2\x80\xa6");
    /* thumbs up with a skin tone */
    expect_line("a\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbdzz", 3, "a\xe2\x80\xa6");
}

static void templates_are_broken(void **state)
{
    (void)state;
    expect_line("{{ name }}", 50, "{ { name }}");
    expect_line("{% if %}", 50, "{ % if %}");
    expect_line("{{{{%", 50, "{ { { { %");
    expect_line("{\xe2\x80\x8e{x", 50, "{ {x"); /* also when what parted them is dropped */
    expect_line("{ {", 50, "{ {");
}

static void direction_marks_are_dropped(void **state)
{
    (void)state;
    expect_line("\xe2\x80\xae"
                "evil\xe2\x81\xa6 ok",
                50, "evil ok");
}

static void expect_foreign(size_t size, const char *data, size_t len, const char *expected)
{
    char out[64];

    push_text_foreign(out, size, data, len);
    assert_string_equal(out, expected);
}

static void foreign_text_is_printable_and_bounded(void **state)
{
    (void)state;
    expect_foreign(64, "a\0b\nc\x7f", 6, "a b c ");
    expect_foreign(64, "\xff\xc3\xa4\xc3", 4, "?\xc3\xa4?");
    expect_foreign(64, "\xed\xa0\x80", 3, "???"); /* a surrogate */
    expect_foreign(4, "abcdef", 6, "abc");
    expect_foreign(4, "ab\xc3\xa4", 4, "ab"); /* not half a character */
    expect_foreign(64, "", 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_is_one_trimmed_line),
        cmocka_unit_test(line_is_cut_with_an_ellipsis),
        cmocka_unit_test(marks_stay_with_their_character),
        cmocka_unit_test(templates_are_broken),
        cmocka_unit_test(direction_marks_are_dropped),
        cmocka_unit_test(foreign_text_is_printable_and_bounded),
    };

    return cmocka_run_group_tests_name("push_text", tests, NULL, NULL);
}
