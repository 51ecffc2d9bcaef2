/* test_frame_queue.c - frames wait in order, one without a ring and many with one, and are let go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/frame_queue.h"

#define MANY 100

/* Puts a frame with this number; the queue has the only reference. */
static void put(frame_queue *q, unsigned number)
{
    frame *f = frame_new((const char *)&number, sizeof(number));

    frame_queue_push(q, f);
    frame_unref(f);
}

static unsigned first(const frame_queue *q)
{
    unsigned number;

    memcpy(&number, q->first->bytes + q->first->len - sizeof(number), sizeof(number));
    return number;
}

static void one_frame_needs_no_ring(void **state)
{
    frame_queue q = {0};

    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        put(&q, n);
        assert_false(frame_queue_is_long(&q));
        assert_int_equal(first(&q), n);
        assert_int_equal(q.bytes, q.first->len);
        frame_queue_pop(&q);
        assert_null(q.first);
        assert_int_equal(q.bytes, 0);
    }
    assert_null(q.ring);
}

/* Three come for two that go, so the ring goes round while it grows. */
static void many_go_in_the_order_in_which_they_came(void **state)
{
    frame_queue q = {0};
    unsigned came = 0, gone = 0;

    (void)state;
    while (came < MANY) {
        put(&q, came++);
        put(&q, came++);
        put(&q, came++);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(first(&q), gone++);
            frame_queue_pop(&q);
        }
        assert_int_equal(q.bytes, (came - gone) * q.first->len);
        assert_int_equal(frame_queue_is_long(&q), came - gone > 1);
    }
    for (; q.first; frame_queue_pop(&q))
        assert_int_equal(first(&q), gone++);
    assert_int_equal(gone, came);
    assert_int_equal(q.bytes, 0);
    frame_queue_free(&q);
}

static void an_empty_queue_keeps_little(void **state)
{
    frame_queue q = {0};

    (void)state;
    for (unsigned n = 0; n < MANY; n++)
        put(&q, n);
    frame_queue_clear(&q);
    assert_null(q.first);
    assert_int_equal(q.bytes, 0);
    assert_null(q.ring);
    put(&q, 1);
    put(&q, 2);
    frame_queue_clear(&q);
    assert_non_null(q.ring);
    put(&q, 3);
    assert_int_equal(first(&q), 3);
    frame_queue_free(&q);
    assert_null(q.first);
    assert_null(q.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_frame_needs_no_ring),
        cmocka_unit_test(many_go_in_the_order_in_which_they_came),
        cmocka_unit_test(an_empty_queue_keeps_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
