/* The timer wheel: in time, in any number, and safe to change from within. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wheel.h"

static wheel *w;
static int fired;
static wheel_timer *victim;

static void count(wheel_timer *t)
{
    (void)t;
    fired++;
}

static void stop_victim(wheel_timer *t)
{
    (void)t;
    fired++;
    wheel_stop(victim);
}

static void again(wheel_timer *t)
{
    fired++;
    wheel_start(w, t, t->due + WHEEL_TICK_MS, again);
}

static int setup(void **state)
{
    (void)state;
    w = wheel_new(1000);
    fired = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wheel_free(w);
    return 0;
}

static void a_timer_fires_once_and_not_early(void **state)
{
    wheel_timer t = {0};

    (void)state;
    wheel_start(w, &t, 3100, count);
    wheel_advance(w, 3099);
    assert_int_equal(fired, 0);
    wheel_advance(w, 3250);
    assert_int_equal(fired, 1);
    assert_false(wheel_running(&t));
    wheel_advance(w, 600000);
    assert_int_equal(fired, 1);
}

static void a_timer_may_wait_longer_than_a_turn(void **state)
{
    wheel_timer t = {0};

    (void)state;
    wheel_start(w, &t, 1000 + 3 * 256000, count);
    for (uint64_t now = 1000; now < 1000 + 3 * 256000; now += 997)
        wheel_advance(w, now);
    assert_int_equal(fired, 0);
    wheel_advance(w, 1000 + 3 * 256000 + WHEEL_TICK_MS);
    assert_int_equal(fired, 1);
}

static void a_sleep_longer_than_a_turn_loses_nothing(void **state)
{
    wheel_timer a = {0}, b = {0};

    (void)state;
    wheel_start(w, &a, 2000, count);
    wheel_start(w, &b, 250000, count);
    wheel_advance(w, 10000000);
    assert_int_equal(fired, 2);
}

static void what_is_due_already_fires_at_the_next_tick(void **state)
{
    wheel_timer t = {0};

    (void)state;
    wheel_start(w, &t, 5, count);
    wheel_advance(w, 1250);
    assert_int_equal(fired, 1);
}

static void a_callback_may_stop_its_neighbour(void **state)
{
    wheel_timer a = {0}, b = {0};

    (void)state;
    victim = &b;
    wheel_start(w, &a, 2000, stop_victim);
    wheel_start(w, &b, 2000, count);
    wheel_advance(w, 3000);
    assert_int_equal(fired, 1);
    assert_false(wheel_running(&b));
}

static void a_callback_may_start_again(void **state)
{
    wheel_timer t = {0};

    (void)state;
    wheel_start(w, &t, 2000, again);
    wheel_advance(w, 2000);
    wheel_advance(w, 2000 + WHEEL_TICK_MS);
    wheel_advance(w, 2000 + 2 * WHEEL_TICK_MS);
    assert_int_equal(fired, 3);
    wheel_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_timer_fires_once_and_not_early, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_may_wait_longer_than_a_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sleep_longer_than_a_turn_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_due_already_fires_at_the_next_tick, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_callback_may_stop_its_neighbour, setup, teardown),
        cmocka_unit_test_setup_teardown(a_callback_may_start_again, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
