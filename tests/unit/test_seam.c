/* Where history ends and live events go on: what the client has is not sent again, what it lacks is
 * not left out, in whatever order the two come, and what is kept is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "delivery/position.h"
#include "delivery/seam.h"

#define ROOM 1000

typedef struct world {
    history *history;
    seam *seam;
    buf sent; /* the texts of the frames, each with a blank behind it */
} world;

static void keep_text(void *arg, frame *f)
{
    world *w = arg;
    buf_append(&w->sent, (const char *)f->bytes + 2, f->len - 2);
    buf_putc(&w->sent, ' ');
}

/* A live event whose frame has `text`. */
static void live(world *w, const char *player_id, int64_t seq, const char *text)
{
    frame *f = frame_new(text, strlen(text));
    if (seam_take(w->seam, player_id, seq, f))
        keep_text(w, f);
    frame_unref(f);
}

static void begin(world *w, history *h)
{
    *w = (world){.history = h, .seam = seam_new(h, ROOM)};
}

static void check_sent(world *w, const char *expected)
{
    buf_putc(&w->sent, '.');
    assert_string_equal(w->sent.data, expected);
}

static void end(world *w)
{
    seam_free(w->seam);
    history_free(w->history);
    buf_free(&w->sent);
}

static history *staff_history(void)
{
    snapshot *s = snapshot_parse("10:10:");
    char *text = position_encode("7.1", s);
    history *h = history_of_staff(text);
    assert_non_null(h);
    snapshot_free(s);
    free(text);
    return h;
}

static void live_events_wait_for_the_history(void **state)
{
    world w;
    (void)state;
    begin(&w, history_of_player("42", 15, NULL));
    live(&w, "42", 17, "17");
    live(&w, "42", 18, "18");
    assert_int_equal(w.sent.len, 0);
    history_advance(w.history, "42", 16);
    history_advance(w.history, "42", 17);
    assert_int_equal(seam_end(w.seam, keep_text, &w), 1);
    live(&w, "42", 19, "19");
    check_sent(&w, "18 19 .");
    end(&w);
}

static void what_the_history_had_is_not_sent_again_after_its_end(void **state)
{
    world w;
    (void)state;
    begin(&w, staff_history());
    history_advance(w.history, "a", 3);
    history_advance(w.history, "b", 5);
    assert_int_equal(seam_end(w.seam, keep_text, &w), 0);
    live(&w, "a", 3, "a3");
    live(&w, "a", 4, "a4");
    live(&w, "b", 5, "b5");
    live(&w, "c", 1, "c1");
    check_sent(&w, "a4 c1 .");
    end(&w);
}

/* Two sessions that notify of one player's events may be heard in the other order. */
static void what_was_overtaken_is_not_left_out(void **state)
{
    world w;
    (void)state;
    begin(&w, history_of_player("42", 15, NULL));
    live(&w, "42", 18, "18");
    live(&w, "42", 17, "17");
    history_advance(w.history, "42", 16);
    assert_int_equal(seam_end(w.seam, keep_text, &w), 2);
    live(&w, "42", 20, "20");
    live(&w, "42", 19, "19");
    check_sent(&w, "18 17 20 19 .");
    end(&w);
}

static void what_is_kept_is_bounded(void **state)
{
    world w;
    char text[101] = {0};
    (void)state;
    memset(text, 'x', 100);
    begin(&w, history_of_player("42", 0, NULL));
    for (int seq = 1; seq <= 9; seq++)
        live(&w, "42", seq, text);
    assert_true(seam_bytes(w.seam) > 900 && seam_bytes(w.seam) <= ROOM);
    live(&w, "42", 10, text);
    assert_int_equal(seam_bytes(w.seam), 0);
    live(&w, "42", 11, "11");
    assert_int_equal(seam_bytes(w.seam), 0);
    assert_true(seam_lost(w.seam));
    assert_false(seam_lost(w.seam));
    live(&w, "42", 12, "12");
    history_advance(w.history, "42", 11);
    assert_int_equal(seam_end(w.seam, keep_text, &w), 1);
    check_sent(&w, "12 .");
    end(&w);
}

static void what_is_kept_goes_to_the_next_question(void **state)
{
    world w, fresh;
    (void)state;
    begin(&w, history_of_player("42", 9, NULL));
    live(&w, "42", 10, "10");
    begin(&fresh, history_of_player("42", 5, NULL));
    seam_move(w.seam, fresh.seam);
    end(&w);
    assert_int_equal(seam_end(fresh.seam, keep_text, &fresh), 1);
    check_sent(&fresh, "10 .");
    end(&fresh);
}

static void a_history_that_cannot_go_on_lets_everything_out(void **state)
{
    world w;
    (void)state;
    begin(&w, history_of_player("42", 99, NULL));
    live(&w, "42", 10, "10");
    live(&w, "42", 11, "11");
    seam_release(w.seam, keep_text, &w);
    check_sent(&w, "10 11 .");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_events_wait_for_the_history),
        cmocka_unit_test(what_the_history_had_is_not_sent_again_after_its_end),
        cmocka_unit_test(what_was_overtaken_is_not_left_out),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(what_is_kept_goes_to_the_next_question),
        cmocka_unit_test(a_history_that_cannot_go_on_lets_everything_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
