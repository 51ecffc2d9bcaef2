/* Where a browser's request comes from, and what that allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/origin.h"

#define LIST "https://a.example, http://b.example:81"

static void an_origin_is_in_the_list_as_a_whole(void **state)
{
    (void)state;
    assert_true(origin_in_list("https://a.example", LIST));
    assert_true(origin_in_list("HTTP://B.example:81", LIST));
    assert_false(origin_in_list("http://a.example", LIST));
    assert_false(origin_in_list("https://a.example:444", LIST));
    assert_false(origin_in_list("https://a.example.evil.example", LIST));
    assert_false(origin_in_list("", LIST));
    assert_false(origin_in_list("https://a.example", NULL));
    assert_false(origin_in_list("https://a.example", ""));
}

static void no_word_stands_for_every_origin_of_the_server(void **state)
{
    (void)state;
    assert_false(origin_in_list("https://evil.example", "*"));
    assert_false(origin_in_list("https://evil.example", "https://a.example *"));
}

static void of_an_app_one_does(void **state)
{
    (void)state;
    assert_true(origin_may_connect("https://evil.example", "*"));
    assert_true(origin_may_connect("https://evil.example", "https://a.example *"));
    assert_true(origin_may_connect("https://evil.example", NULL));
    assert_true(origin_may_connect("https://a.example", LIST));
    assert_false(origin_may_connect("https://evil.example", LIST));
    assert_false(origin_may_connect("https://evil.example", ""));
}

static void the_host_with_its_port_is_ours(void **state)
{
    (void)state;
    assert_true(origin_is_host("http://chat.example:8080", "chat.example:8080", false));
    assert_true(origin_is_host("https://chat.example", "Chat.example", false));
    assert_true(origin_is_host("https://chat.example", "chat.example", true));
    assert_false(origin_is_host("http://chat.example", "chat.example", true));
    assert_false(origin_is_host("https://chat.example", "chat.example:8080", true));
    assert_false(origin_is_host("chat.example", "chat.example", false));
    assert_false(origin_is_host("null", "null", false));
    assert_false(origin_is_host("https://chat.example", NULL, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_is_in_the_list_as_a_whole),
        cmocka_unit_test(no_word_stands_for_every_origin_of_the_server),
        cmocka_unit_test(of_an_app_one_does),
        cmocka_unit_test(the_host_with_its_port_is_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
