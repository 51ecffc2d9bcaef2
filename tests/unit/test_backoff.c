/* Pauses between attempts: doubled, bounded, varied by half, and never shorter than asked for. */
#include "push/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Many draws are all within half of `middle` and not all the same. */
static void expect_around(int failures, int64_t middle)
{
    int64_t least = INT64_MAX, most = 0;

    for (int i = 0; i < 1000; i++) {
        int64_t pause = backoff_ms(failures, 2000, 60000, -1);

        least = pause < least ? pause : least;
        most = pause > most ? pause : most;
    }
    assert_in_range(least, middle / 2, middle);
    assert_in_range(most, middle, middle + middle / 2);
    assert_true(most - least > middle / 2);
}

static void pauses_double_up_to_the_longest(void **state)
{
    static const int64_t middles[] = {2000, 4000, 8000, 16000, 32000, 60000, 60000};

    (void)state;
    for (int i = 0; i < 7; i++)
        expect_around(i + 1, middles[i]);
    expect_around(1000000, 60000);
}

static void the_other_side_may_ask_for_more(void **state)
{
    (void)state;
    assert_int_equal(backoff_ms(1, 2000, 60000, 120000), 120000);
    assert_in_range(backoff_ms(1, 2000, 60000, 1), 1000, 3000);
    assert_int_equal(backoff_ms(1, 0, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_up_to_the_longest),
        cmocka_unit_test(the_other_side_may_ask_for_more),
    };

    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
