/* What the listening session reads when it comes back: what clients are told when the database is another one, however often the
 * catch-up breaks off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "db/intake.h"

typedef struct world {
    uv_loop_t loop;
    intake *intake;
    int events, resyncs, skipped;
    const char *reason;
    bool on_disk;
} world;

static void on_event(void *arg, const db_event *event)
{
    (void)event;
    ((world *)arg)->events++;
}

static void on_resync(void *arg, const char *reason)
{
    world *w = arg;
    w->resyncs++;
    w->reason = reason;
}

static void on_skipped(void *arg, const char *player_id)
{
    assert_string_equal(player_id, "ann");
    ((world *)arg)->skipped++;
}

static void on_position(void *arg, const char *epoch, const snapshot *s)
{
    (void)arg;
    (void)epoch;
    (void)s;
}

static const listener_events events = {
    .event = on_event, .resync = on_resync, .skipped = on_skipped, .position = on_position};

static void begin(world *w)
{
    *w = (world){.on_disk = true};
    uv_loop_init(&w->loop);
    w->intake = intake_new(&w->loop, NULL, "db=test", &events, w);
}

static void end(world *w)
{
    intake_free(w->intake);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

#define COLUMNS_MAX 12

typedef struct cell {
    const char *name, *value;
} cell;

/* A result of one row, whose cells end with one that has no name. */
static PGresult *result_of(ExecStatusType status, const cell *cells)
{
    PGresAttDesc columns[COLUMNS_MAX] = {0};
    PGresult *result = PQmakeEmptyPGresult(NULL, status);
    int count = 0;
    for (; cells[count].name; count++)
        columns[count].name = (char *)cells[count].name;
    assert_true(PQsetResultAttrs(result, count, columns));
    for (int i = 0; i < count; i++)
        assert_true(PQsetvalue(result, 0, i, (char *)cells[i].value,
                               cells[i].value ? (int)strlen(cells[i].value) : -1));
    return result;
}

/* A row of a catch-up, of which nothing is new unless there is a payload. */
static void read_payload(world *w, const char *snapshot_text, const char *epoch, const char *newest,
                         const char *payload)
{
    PGresult *row = result_of(PGRES_SINGLE_TUPLE, (cell[]){
                                                      {"snapshot", snapshot_text},
                                                      {"epoch", epoch},
                                                      {"newest", newest},
                                                      {"written", "0/1"},
                                                      {"on_disk", w->on_disk ? "t" : "f"},
                                                      {"player", payload ? "ann" : NULL},
                                                      {"seq", payload ? "7" : NULL},
                                                      {"payload", payload},
                                                      {NULL, NULL},
                                                  });
    assert_true(intake_caught_up(w->intake, row));
    PQclear(row);
}

/* An audit that finds one event, the delivery worker's. True: there is a suspect then. */
static bool audit(world *w, const char *snapshot_text, const char *xid, uint64_t missed_since)
{
    PGresult *row = result_of(PGRES_TUPLES_OK, (cell[]){
                                                   {"snapshot", snapshot_text},
                                                   {"epoch", "one"},
                                                   {"newest", xid},
                                                   {"written", "0/1"},
                                                   {"on_disk", "t"},
                                                   {"usage", "0"},
                                                   {"told", "100:100:"},
                                                   {"working", "t"},
                                                   {"lag", "0.25"},
                                                   {"player_id", "ann"},
                                                   {"seq", "7"},
                                                   {"xid", xid},
                                                   {NULL, NULL},
                                               });
    bool suspects = intake_audited(w->intake, row, missed_since);
    PQclear(row);
    return suspects;
}

static void read_row(world *w, const char *snapshot_text, const char *epoch)
{
    read_payload(w, snapshot_text, epoch, "99", NULL);
}

static const char *since(world *w)
{
    const char *values[4];
    intake_catch_up_values(w->intake, values);
    return values[0];
}

static void come_back(world *w, const char *snapshot_text, const char *epoch)
{
    intake_lost(w->intake);
    read_row(w, snapshot_text, epoch);
    assert_true(intake_live(w->intake));
}

static void another_database_is_told_once(void **state)
{
    (void)state;
    world w;
    begin(&w);
    come_back(&w, "100:100:", "one");
    come_back(&w, "110:110:", "one");
    assert_int_equal(w.resyncs, 0);
    come_back(&w, "120:120:", "two");
    assert_int_equal(w.resyncs, 1);
    assert_string_equal(w.reason, "epoch");
    come_back(&w, "130:130:", "two");
    assert_int_equal(w.resyncs, 1);
    end(&w);
}

static void it_is_told_also_when_the_first_catch_up_breaks_off(void **state)
{
    (void)state;
    world w;
    begin(&w);
    come_back(&w, "100:100:", "one");
    intake_lost(w.intake);
    read_row(&w, "120:120:", "two");
    come_back(&w, "130:130:", "two");
    assert_int_equal(w.resyncs, 1);
    end(&w);
}

static void so_is_one_that_went_back(void **state)
{
    (void)state;
    world w;
    begin(&w);
    come_back(&w, "100:100:", "one");
    intake_lost(w.intake);
    read_row(&w, "2:2:", "one");
    come_back(&w, "130:130:", "one");
    assert_int_equal(w.resyncs, 1);
    end(&w);
}

#define SEVEN(xid, time)                                                                           \
    "{\"playerId\":\"ann\",\"seq\":7,\"kind\":\"message\",\"timestamp\":\"" time                   \
    "\",\"xid\":\"" xid "\"}"

/* S is 900:900:, and ann's 7 was notified, with the xid 950. Then the session is lost. */
static void hear_of_seven(world *w)
{
    begin(w);
    read_payload(w, "900:900:", "one", "899", NULL);
    assert_true(intake_live(w->intake));
    intake_notified(w->intake, SEVEN("950", "07:00"));
    assert_int_equal(w->events, 1);
    intake_lost(w->intake);
}

static void what_is_still_there_is_no_news(void **state)
{
    (void)state;
    world w;
    hear_of_seven(&w);
    read_payload(&w, "960:960:", "one", "950", SEVEN("950", "07:00"));
    assert_true(intake_live(w.intake));
    assert_int_equal(w.resyncs, 0);
    assert_int_equal(w.events, 1);
    intake_notified(w.intake, SEVEN("950", "07:00"));
    assert_int_equal(w.events, 1);
    end(&w);
}

static void a_crash_that_gives_the_seq_to_another_xid_is_told(void **state)
{
    (void)state;
    world w;
    hear_of_seven(&w);
    read_payload(&w, "960:960:", "one", "941", SEVEN("941", "07:01"));
    assert_true(intake_live(w.intake));
    assert_int_equal(w.resyncs, 1);
    end(&w);
}

static void so_is_one_that_gives_it_to_the_same_xid(void **state)
{
    (void)state;
    world w;
    hear_of_seven(&w);
    read_payload(&w, "960:960:", "one", "950", SEVEN("950", "07:01"));
    assert_true(intake_live(w.intake));
    assert_int_equal(w.resyncs, 1);
    end(&w);
}

static void so_is_one_that_gives_it_to_nobody(void **state)
{
    (void)state;
    world w;
    hear_of_seven(&w);
    read_payload(&w, "960:960:", "one", "899", NULL);
    assert_true(intake_live(w.intake));
    assert_int_equal(w.resyncs, 1);
    intake_notified(w.intake, SEVEN("961", "07:02"));
    assert_int_equal(w.events, 2);
    end(&w);
}

/* What S sees is not looked for in the difference, so it must not be what a crash can take back. */
static void a_snapshot_of_what_is_not_on_disk_is_not_s(void **state)
{
    (void)state;
    world w;
    hear_of_seven(&w);
    w.on_disk = false;
    read_payload(&w, "960:960:", "one", "950", SEVEN("950", "07:00"));
    assert_true(intake_live(w.intake));
    assert_string_equal(intake_snapshot(w.intake), "900:900:");
    intake_lost(w.intake);
    read_payload(&w, "970:970:", "one", "899", NULL);
    assert_true(intake_live(w.intake));
    assert_int_equal(w.resyncs, 1);
    assert_string_equal(intake_snapshot(w.intake), "900:900:");
    end(&w);
}

/* A catch-up that takes so long: what is held back meanwhile is bounded, and nobody waits in vain. */
static void what_comes_before_the_catch_up_is_over_is_bounded(void **state)
{
    (void)state;
    world w;
    char text[8000], *payload;
    size_t count = 0;
    memset(text, 'x', sizeof(text));
    begin(&w);
    come_back(&w, "100:100:", "one");
    intake_lost(w.intake);
    assert_true(asprintf(&payload,
                         "{\"playerId\":\"ann\",\"seq\":1,\"kind\":\"message\",\"message\":\"%."
                         "7000s\",\"xid\":\"120\"}",
                         text) > 0);
    while (!intake_gives_up(w.intake) && count < 100000) {
        intake_notified(w.intake, payload);
        count++;
    }
    assert_in_range(count, 1000, 10000);
    assert_null(since(&w));
    assert_string_equal(intake_snapshot(w.intake), "100:100:");
    intake_lost(w.intake);
    assert_null(intake_gives_up(w.intake));
    read_row(&w, "130:130:", "one");
    assert_true(intake_live(w.intake));
    assert_int_equal(w.resyncs, 1);
    assert_string_equal(w.reason, "too_old");
    assert_non_null(since(&w));
    assert_int_equal(w.events, 0);
    free(payload);
    end(&w);
}

static void a_row_that_cannot_be_read_is_told_to_those_concerned(void **state)
{
    (void)state;
    world w;
    hear_of_seven(&w);
    read_payload(&w, "960:960:", "one", "951", SEVEN("950", "07:00"));
    read_payload(&w, "960:960:", "one", "951", "{\"playerId\":\"ann\",\"seq\":8}");
    assert_true(intake_live(w.intake));
    assert_int_equal(w.skipped, 1);
    assert_int_equal(w.resyncs, 0);
    end(&w);
}

static void a_full_page_is_followed_by_the_next(void **state)
{
    (void)state;
    world w;
    const char *values[4];
    hear_of_seven(&w);
    intake_catch_up_values(w.intake, values);
    assert_string_equal(values[0], "900:900:");
    assert_string_equal(values[1], "");
    assert_string_equal(values[2], "0");
    int page = atoi(values[3]);
    for (int i = 0; i < page; i++)
        read_payload(&w, "960:960:", "one", "950", SEVEN("950", "07:00"));
    assert_true(intake_page_is_full(w.intake));
    intake_catch_up_values(w.intake, values);
    assert_string_equal(values[1], "ann");
    assert_string_equal(values[2], "7");
    read_payload(&w, "980:980:", "one", "950", NULL);
    assert_false(intake_page_is_full(w.intake));
    assert_true(intake_live(w.intake));
    assert_string_equal(intake_snapshot(w.intake), "951:951:");
    assert_int_equal(w.events, 1);
    end(&w);
}

static void one_that_cannot_be_read_in_time_is_given_up(void **state)
{
    (void)state;
    world w;
    hear_of_seven(&w);
    intake_cannot_catch_up(w.intake);
    intake_lost(w.intake);
    assert_null(since(&w));
    read_row(&w, "960:960:", "one");
    assert_true(intake_live(w.intake));
    assert_int_equal(w.resyncs, 1);
    assert_string_equal(w.reason, "too_old");
    end(&w);
}

/* It has 8 s from each audit on that finds it at work. */
static void what_a_busy_worker_has_not_come_to_is_not_missed(void **state)
{
    (void)state;
    world w;
    begin(&w);
    come_back(&w, "100:100:", "one");
    assert_true(audit(&w, "110:110:", "105", 0));
    uint64_t missed = clock_monotonic_ms() + 8000;
    while (clock_monotonic_ms() + 8000 <= missed)
        ;
    assert_true(audit(&w, "120:120:", "105", missed));
    intake_notified(w.intake, SEVEN("105", "07:00"));
    assert_int_equal(w.events, 1);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_database_is_told_once),
        cmocka_unit_test(it_is_told_also_when_the_first_catch_up_breaks_off),
        cmocka_unit_test(so_is_one_that_went_back),
        cmocka_unit_test(what_is_still_there_is_no_news),
        cmocka_unit_test(a_crash_that_gives_the_seq_to_another_xid_is_told),
        cmocka_unit_test(so_is_one_that_gives_it_to_the_same_xid),
        cmocka_unit_test(so_is_one_that_gives_it_to_nobody),
        cmocka_unit_test(a_snapshot_of_what_is_not_on_disk_is_not_s),
        cmocka_unit_test(a_full_page_is_followed_by_the_next),
        cmocka_unit_test(one_that_cannot_be_read_in_time_is_given_up),
        cmocka_unit_test(a_row_that_cannot_be_read_is_told_to_those_concerned),
        cmocka_unit_test(what_comes_before_the_catch_up_is_over_is_bounded),
        cmocka_unit_test(what_a_busy_worker_has_not_come_to_is_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
