/* Buckets: the burst, the pace, giving back, and a table that stays small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rate.h"

#define SECOND 1000000u

static void the_burst_at_once_then_the_pace(void **state)
{
    rate r = rate_of(30, 60, 10); /* one every two seconds */
    uint64_t full_at = 0, now = 1000 * SECOND;

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(rate_take(r, &full_at, now), 0);
    assert_int_equal(rate_take(r, &full_at, now), 2 * SECOND);
    assert_int_equal(rate_take(r, &full_at, now + SECOND), SECOND);
    assert_int_equal(rate_take(r, &full_at, now + 2 * SECOND), 0);
    assert_int_equal(rate_take(r, &full_at, now + 2 * SECOND), 2 * SECOND);
}

static void what_is_refused_costs_nothing(void **state)
{
    rate r = rate_of(1, 1, 1);
    uint64_t full_at = 0;

    (void)state;
    assert_int_equal(rate_take(r, &full_at, SECOND), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rate_take(r, &full_at, SECOND), SECOND);
    assert_int_equal(rate_take(r, &full_at, 2 * SECOND), 0);
}

static void a_long_pause_fills_no_more_than_the_burst(void **state)
{
    rate r = rate_of(10, 1, 3);
    uint64_t full_at = 0;

    (void)state;
    assert_int_equal(rate_take(r, &full_at, SECOND), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rate_take(r, &full_at, 3600ull * SECOND), 0);
    assert_int_not_equal(rate_take(r, &full_at, 3600ull * SECOND), 0);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
    rate r = rate_of(1, 60, 2);
    uint64_t full_at = 0, now = 100 * SECOND;

    (void)state;
    rate_take(r, &full_at, now);
    rate_take(r, &full_at, now);
    rate_return(r, &full_at);
    assert_int_equal(rate_take(r, &full_at, now), 0);
    assert_int_not_equal(rate_take(r, &full_at, now), 0);
    full_at = 0;
    rate_return(r, &full_at);
    assert_int_equal(full_at, 0);
}

static void what_cannot_be_refused_is_a_debt(void **state)
{
    rate r = rate_of(10, 1, 2);
    uint64_t full_at = 0, now = 100 * SECOND;

    (void)state;
    assert_int_equal(rate_charge(r, &full_at, now), 0);
    assert_int_equal(rate_charge(r, &full_at, now), 0);
    assert_int_equal(rate_charge(r, &full_at, now), SECOND / 10);
    assert_int_equal(rate_charge(r, &full_at, now), 2 * SECOND / 10);
    assert_int_equal(rate_take(r, &full_at, now), 3 * SECOND / 10);
    assert_int_equal(rate_take(r, &full_at, now + 3 * SECOND / 10), 0);
}

static void zero_is_no_limit(void **state)
{
    rate_table *t = rate_table_new(10);
    uint64_t full_at = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rate_take(rate_of(0, 60, 10), &full_at, SECOND), 0);
        assert_int_equal(rate_table_take(t, rate_of(0, 60, 10), "ada", SECOND), 0);
        assert_int_equal(rate_table_charge(t, rate_of(0, 60, 10), "ada", SECOND), 0);
    }
    assert_int_equal(rate_table_size(t), 0);
    rate_table_free(t);
}

static void each_key_has_its_own(void **state)
{
    rate_table *t = rate_table_new(10);
    rate r = rate_of(1, 1, 1);

    (void)state;
    assert_int_equal(rate_table_take(t, r, "ada", SECOND), 0);
    assert_int_equal(rate_table_take(t, r, "bob", SECOND), 0);
    assert_int_equal(rate_table_take(t, r, "ada", SECOND), SECOND);
    rate_table_return(t, r, "ada");
    rate_table_return(t, r, "nobody");
    assert_int_equal(rate_table_take(t, r, "ada", SECOND), 0);
    rate_table_free(t);
}

static void a_flood_of_keys_forgets_the_oldest_alone(void **state)
{
    rate_table *t = rate_table_new(100);
    rate r = rate_of(1, 3600, 1);
    char key[16];

    (void)state;
    rate_table_take(t, r, "oldest", SECOND);
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "%d", i);
        assert_int_equal(rate_table_take(t, r, key, SECOND), 0);
        rate_table_take(t, r, "0", SECOND); /* in use all the time */
    }
    assert_int_equal(rate_table_size(t), 100);
    assert_int_not_equal(rate_table_take(t, r, "99999", SECOND), 0);
    assert_int_not_equal(rate_table_take(t, r, "0", SECOND), 0);
    assert_int_equal(rate_table_take(t, r, "oldest", SECOND), 0);
    rate_table_free(t);
}

static void what_is_full_is_forgotten(void **state)
{
    rate_table *t = rate_table_new(100000);
    rate r = rate_of(1, 1, 1);
    char key[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%d", i);
        rate_table_take(t, r, key, SECOND);
    }
    assert_int_equal(rate_table_size(t), 1000);
    for (int i = 0; i < 1000; i++)
        rate_table_take(t, r, "ada", 10 * SECOND);
    assert_int_equal(rate_table_size(t), 1);
    rate_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_burst_at_once_then_the_pace),
        cmocka_unit_test(what_is_refused_costs_nothing),
        cmocka_unit_test(a_long_pause_fills_no_more_than_the_burst),
        cmocka_unit_test(what_is_given_back_can_be_taken_again),
        cmocka_unit_test(what_cannot_be_refused_is_a_debt),
        cmocka_unit_test(zero_is_no_limit),
        cmocka_unit_test(each_key_has_its_own),
        cmocka_unit_test(a_flood_of_keys_forgets_the_oldest_alone),
        cmocka_unit_test(what_is_full_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
