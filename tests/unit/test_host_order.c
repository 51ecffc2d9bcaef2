/* The order of database hosts after one that hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "db/host_order.h"

static void expect_rotated(const char *list, const char *wanted)
{
    char *rotated = host_list_rotated(list);
    assert_string_equal(rotated, wanted);
    free(rotated);
}

static void the_first_goes_to_the_end(void **state)
{
    (void)state;
    expect_rotated("a,b,c", "b,c,a");
    expect_rotated("a,b", "b,a");
    expect_rotated("a", "a");
    expect_rotated("", "");
    expect_rotated("a,,b", ",b,a");
    assert_null(host_list_rotated(NULL));
}

static void an_attempt_begins_with_the_next_host(void **state)
{
    (void)state;
    host_order order = {0};
    PGconn *pg = PQconnectStart("host=/nonexistent/a,/nonexistent/b port=1,2 dbname=x");
    host_order_next(&order, pg);
    PQfinish(pg);
    assert_string_equal(order.host, "/nonexistent/b,/nonexistent/a");
    assert_string_equal(order.port, "2,1");
    host_order_clear(&order);
    assert_null(order.host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_goes_to_the_end),
        cmocka_unit_test(an_attempt_begins_with_the_next_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
