/* Counting by key, and the key of an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/tally.h"
#include "server/address.h"

static void so_many_of_a_key_and_no_more(void **state)
{
    tally *t = tally_new();
    tally_entry *a = tally_enter(t, "ada", 2), *b = tally_enter(t, "ada", 2);
    tally_entry *other = tally_enter(t, "bob", 2);

    (void)state;
    assert_ptr_equal(a, b);
    assert_string_equal(tally_key(a), "ada");
    assert_null(tally_enter(t, "ada", 2));
    tally_leave(t, b);
    assert_ptr_equal(tally_enter(t, "ada", 2), a);
    tally_leave(t, a);
    tally_leave(t, a);
    tally_leave(t, other);
    tally_leave(t, NULL);
    tally_free(t);
}

static void zero_is_no_limit(void **state)
{
    tally *t = tally_new();
    tally_entry *e = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++)
        e = tally_enter(t, "ada", 0);
    assert_non_null(e);
    for (int i = 0; i < 1000; i++)
        tally_leave(t, e);
    tally_free(t);
}

static void an_address_is_its_own_key_and_an_ipv6_one_its_network(void **state)
{
    static const char *const cases[][2] = {
        {"10.1.2.3", "10.1.2.3"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:db8:1:2::9", "2001:db8:1:2::/64"},
        {"2001:db8:1:3::9", "2001:db8:1:3::/64"},
        {"::1", "::/64"},
        {"unknown", "unknown"},
        {"", ""},
    };
    char key[ADDRESS_KEY_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        address_key(cases[i][0], key);
        assert_string_equal(key, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_of_a_key_and_no_more),
        cmocka_unit_test(zero_is_no_limit),
        cmocka_unit_test(an_address_is_its_own_key_and_an_ipv6_one_its_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
