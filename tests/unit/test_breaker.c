/* When the provider may be called: the breaker over a clock that the test turns. */
#include "push/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const breaker_policy policy = {.max_unreachable = 3,
                                      .unreachable_pause_ms = 30,
                                      .refused_pause_ms = 100,
                                      .refused_max_ms = 300};

static breaker fresh(void)
{
    breaker b;

    breaker_init(&b, &policy);
    return b;
}

/* Starts and ends one call. */
static bool call(breaker *b, uint64_t now, breaker_event event)
{
    assert_true(breaker_allowance(b, now, 1) == 1);
    breaker_started(b);
    return breaker_ended(b, now, event);
}

static void closed_allows_all(void **state)
{
    breaker b = fresh();

    (void)state;
    assert_int_equal(breaker_allowance(&b, 0, 7), 7);
    assert_int_equal(breaker_wait_ms(&b, 0), 0);
    for (int i = 0; i < 10; i++)
        assert_false(call(&b, 0, BREAKER_ANSWERED));
}

static void opens_after_failures_in_a_row(void **state)
{
    breaker b = fresh();

    (void)state;
    assert_false(call(&b, 0, BREAKER_UNREACHABLE));
    assert_false(call(&b, 0, BREAKER_UNREACHABLE));
    assert_false(call(&b, 0, BREAKER_ANSWERED)); /* the row is broken */
    assert_false(call(&b, 0, BREAKER_UNREACHABLE));
    assert_false(call(&b, 0, BREAKER_UNREACHABLE));
    assert_true(call(&b, 10, BREAKER_UNREACHABLE));
    assert_int_equal(breaker_allowance(&b, 39, 7), 0);
    assert_int_equal(breaker_wait_ms(&b, 15), 25);
}

static void one_probe_decides(void **state)
{
    breaker b = fresh();

    (void)state;
    for (int i = 0; i < 3; i++)
        call(&b, 10, BREAKER_UNREACHABLE);
    assert_int_equal(breaker_allowance(&b, 40, 7), 1);
    breaker_started(&b);
    assert_int_equal(breaker_allowance(&b, 41, 7), 0); /* while it is under way */
    assert_true(breaker_ended(&b, 50, BREAKER_UNREACHABLE));
    assert_int_equal(breaker_wait_ms(&b, 50), 30);
    assert_false(call(&b, 80, BREAKER_ANSWERED));
    assert_int_equal(breaker_allowance(&b, 80, 7), 7);
}

static void a_refused_key_pauses_longer_each_time(void **state)
{
    static const uint64_t pauses[] = {100, 200, 300, 300};
    breaker b = fresh();
    uint64_t now = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(call(&b, now, BREAKER_REFUSED));
        assert_int_equal(breaker_wait_ms(&b, now), pauses[i]);
        now += pauses[i];
    }
    call(&b, now, BREAKER_ANSWERED);
    call(&b, now, BREAKER_REFUSED);
    assert_int_equal(breaker_wait_ms(&b, now), 100);
}

static void calls_refused_together_pause_once(void **state)
{
    breaker b = fresh();

    (void)state;
    for (int i = 0; i < 4; i++)
        breaker_started(&b);
    assert_true(breaker_ended(&b, 5, BREAKER_REFUSED));
    for (int i = 0; i < 3; i++)
        assert_false(breaker_ended(&b, 5, BREAKER_REFUSED));
    assert_int_equal(breaker_wait_ms(&b, 5), 100);
}

static void a_late_answer_does_not_end_a_pause(void **state)
{
    breaker b = fresh();

    (void)state;
    breaker_started(&b);
    breaker_started(&b);
    breaker_ended(&b, 0, BREAKER_REFUSED);
    breaker_ended(&b, 1, BREAKER_ANSWERED);
    assert_int_equal(breaker_allowance(&b, 2, 7), 0);
}

static void a_throttled_pause_ends_with_one_call(void **state)
{
    breaker b = fresh();

    (void)state;
    breaker_started(&b);
    breaker_ended(&b, 0, BREAKER_ANSWERED);
    breaker_pause(&b, 0, 50);
    assert_int_equal(breaker_allowance(&b, 49, 7), 0);
    assert_int_equal(breaker_allowance(&b, 50, 7), 1);
    call(&b, 50, BREAKER_ANSWERED);
    assert_int_equal(breaker_allowance(&b, 50, 7), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_allows_all),
        cmocka_unit_test(opens_after_failures_in_a_row),
        cmocka_unit_test(one_probe_decides),
        cmocka_unit_test(a_refused_key_pauses_longer_each_time),
        cmocka_unit_test(calls_refused_together_pause_once),
        cmocka_unit_test(a_late_answer_does_not_end_a_pause),
        cmocka_unit_test(a_throttled_pause_ends_with_one_call),
    };

    return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
