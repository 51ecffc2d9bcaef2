/* Positions: what is encoded comes back, what is long is cut to what repeats more, and nothing else
 * is taken for one. */
#include "base/text.h"
#include "delivery/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_round_trip(const char *from, const char *to)
{
    snapshot *s = snapshot_parse(from);
    position p;
    assert_non_null(s);
    char *text = position_encode("7711-1", s);
    assert_true(position_decode(text, &p));
    assert_string_equal(p.epoch, "7711-1");
    assert_string_equal(snapshot_text(p.snapshot), to);
    position_clear(&p);
    snapshot_free(s);
    free(text);
}

static void comes_back(void **state)
{
    (void)state;
    check_round_trip("10:10:", "10:10:");
    check_round_trip("10:20:10,14", "10:20:10,14");
}

static void is_cut_to_an_older_snapshot(void **state)
{
    (void)state;
    check_round_trip("1:90:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20",
                     "1:90:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20");
    check_round_trip("1:90:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,33,44",
                     "1:33:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20");
}

static void check_refused(const char *plain)
{
    position p;
    char *text = text_base64url(plain, strlen(plain));
    assert_false(position_decode(text, &p));
    free(text);
}

static void refuses_what_is_none(void **state)
{
    position p;
    (void)state;
    assert_false(position_decode("", &p));
    assert_false(position_decode("not base64!", &p));
    check_refused("2 7711-1 10:10:");
    check_refused("1 7711-1");
    check_refused("1 7711-1 10:9:");
    check_refused("1 7711-1 10:10:; DROP TABLE chat_events");
    char *with_nul = text_base64url("1 7711-1 10:10:\0x", 17);
    assert_false(position_decode(with_nul, &p));
    free(with_nul);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(is_cut_to_an_older_snapshot),
        cmocka_unit_test(refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
