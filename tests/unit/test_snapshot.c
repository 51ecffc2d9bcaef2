/* Snapshots as text, and the ledger that delivers each event once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "db/event.h"
#include "db/ledger.h"
#include "db/snapshot.h"

#include <string.h>

static snapshot *parse(const char *text)
{
    snapshot *s = snapshot_parse(text);
    assert_non_null(s);
    return s;
}

static void a_snapshot_sees_what_has_ended(void **state)
{
    (void)state;
    snapshot *s = parse("10:20:10,14,18");
    assert_true(snapshot_sees(s, 9));
    assert_false(snapshot_sees(s, 10));
    assert_true(snapshot_sees(s, 11));
    assert_false(snapshot_sees(s, 14));
    assert_true(snapshot_sees(s, 19));
    assert_false(snapshot_sees(s, 20));
    assert_false(snapshot_sees(s, UINT64_MAX));
    assert_int_equal(snapshot_xmax(s), 20);
    assert_string_equal(snapshot_text(s), "10:20:10,14,18");
    snapshot_free(s);
    s = parse("7:7:");
    assert_true(snapshot_sees(s, 6));
    assert_false(snapshot_sees(s, 7));
    snapshot_free(s);
    s = parse("18446744073709551614:18446744073709551615:");
    assert_true(snapshot_sees(s, 5));
    snapshot_free(s);
}

static void what_is_no_snapshot_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "10",
                                      "10:20",
                                      "10:20:x",
                                      "20:10:",
                                      "10:20:5",
                                      "10:20:20",
                                      "10:20:12,",
                                      "10:20:,",
                                      "10:20:14,12",
                                      "10:20:12,12",
                                      "-1:2:",
                                      " 1:2:",
                                      "0:2:",
                                      "1:2: ",
                                      "10:99999999999999999999:",
                                      "10:20:11,,12"};
    assert_null(snapshot_parse(NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (snapshot_parse(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void a_snapshot_can_be_lowered(void **state)
{
    (void)state;
    snapshot *s = parse("10:20:10,14,18");
    snapshot_lower(s, 25);
    assert_string_equal(snapshot_text(s), "10:20:10,14,18");
    snapshot_lower(s, 15);
    assert_string_equal(snapshot_text(s), "10:15:10,14");
    assert_true(snapshot_sees(s, 13));
    assert_false(snapshot_sees(s, 14));
    assert_false(snapshot_sees(s, 15));
    snapshot_lower(s, 8);
    assert_string_equal(snapshot_text(s), "8:8:");
    assert_true(snapshot_sees(s, 7));
    snapshot_free(s);
}

static bool covers(const char *a, const char *b)
{
    snapshot *s = parse(a), *other = parse(b);
    bool answer = snapshot_covers(s, other);
    snapshot_free(s);
    snapshot_free(other);
    return answer;
}

static void a_snapshot_covers_an_older_one(void **state)
{
    (void)state;
    assert_true(covers("10:10:", "10:10:"));
    assert_true(covers("12:12:", "10:10:"));
    assert_false(covers("10:10:", "12:12:"));
    assert_true(covers("10:20:10", "10:15:10,12"));
    assert_false(covers("10:20:10", "11:15:12"));
    assert_true(covers("17:20:17", "10:15:12"));
}

static ledger *ledger_at(const char *text)
{
    ledger *l = ledger_new();
    ledger_advance(l, parse(text));
    return l;
}

static ledger_verdict notified(ledger *l, const char *player, int64_t seq, uint64_t xid)
{
    return ledger_notified(l, &(ledger_event){player, seq, xid, 1});
}

static ledger_verdict caught_up(ledger *l, const char *player, int64_t seq, uint64_t xid)
{
    return ledger_caught_up(l, &(ledger_event){player, seq, xid, 1});
}

static ledger_verdict audited(ledger *l, const char *player, int64_t seq, uint64_t xid, uint64_t at)
{
    return ledger_audited(l, &(ledger_event){player, seq, xid, 0}, false, at);
}

static bool fits(ledger *l, const char *newer)
{
    snapshot *s = parse(newer);
    bool answer = ledger_fits(l, s);
    snapshot_free(s);
    return answer;
}

static void a_notification_is_new_unless_the_snapshot_saw_it(void **state)
{
    (void)state;
    ledger *l = ledger_at("10:20:15");
    assert_int_equal(notified(l, "p", 1, 12), LEDGER_KNOWN);
    assert_int_equal(notified(l, "p", 2, 15), LEDGER_NEW);
    assert_int_equal(notified(l, "p", 3, 20), LEDGER_NEW);
    assert_int_equal(notified(l, "p", 3, 20), LEDGER_KNOWN);
    assert_int_equal(notified(l, "q", 3, 20), LEDGER_NEW);
    ledger_free(l);
}

static void a_catch_up_leaves_out_what_was_notified(void **state)
{
    (void)state;
    ledger *l = ledger_at("10:20:");
    assert_int_equal(notified(l, "p", 5, 21), LEDGER_NEW);
    assert_int_equal(caught_up(l, "p", 5, 21), LEDGER_KNOWN);
    assert_int_equal(caught_up(l, "p", 6, 22), LEDGER_NEW);
    ledger_advance(l, parse("23:23:"));
    assert_int_equal(ledger_ahead_count(l), 0);
    assert_int_equal(notified(l, "p", 6, 22), LEDGER_KNOWN);
    assert_int_equal(notified(l, "p", 7, 23), LEDGER_NEW);
    ledger_free(l);
}

static void a_broken_catch_up_can_start_again(void **state)
{
    (void)state;
    ledger *l = ledger_at("10:20:");
    assert_int_equal(caught_up(l, "p", 1, 20), LEDGER_NEW);
    assert_int_equal(caught_up(l, "p", 1, 20), LEDGER_KNOWN);
    assert_int_equal(caught_up(l, "p", 2, 21), LEDGER_NEW);
    ledger_free(l);
}

static void a_late_notification_clears_a_suspect(void **state)
{
    (void)state;
    char *player;
    int64_t seq;
    ledger *l = ledger_at("10:20:");
    audited(l, "p", 1, 22, 1000);
    ledger_advance(l, parse("25:25:"));
    assert_int_equal(ledger_suspect_count(l), 1);
    assert_int_equal(notified(l, "p", 1, 22), LEDGER_NEW);
    assert_int_equal(notified(l, "p", 1, 22), LEDGER_KNOWN);
    assert_false(ledger_take_suspect(l, 99999, &player, &seq));
    ledger_free(l);
}

static void a_suspect_that_stays_one_is_taken(void **state)
{
    (void)state;
    char *player;
    int64_t seq;
    ledger *l = ledger_at("10:20:");
    assert_int_equal(notified(l, "known", 1, 20), LEDGER_NEW);
    audited(l, "known", 1, 20, 1000);
    audited(l, "lost", 7, 23, 1000);
    audited(l, "lost", 7, 23, 1500);
    ledger_advance(l, parse("25:25:"));
    assert_false(ledger_take_suspect(l, 999, &player, &seq));
    assert_true(ledger_take_suspect(l, 1000, &player, &seq));
    assert_string_equal(player, "lost");
    assert_int_equal(seq, 7);
    free(player);
    assert_false(ledger_take_suspect(l, 9999, &player, &seq));
    ledger_free(l);
}

/* Takes the suspects that have been some since then; returns their seqs, ascending, as digits. */
static int taken(ledger *l, uint64_t since)
{
    char *player;
    int64_t seq;
    bool seen[10] = {false};
    int digits = 0;
    while (ledger_take_suspect(l, since, &player, &seq)) {
        seen[seq] = true;
        free(player);
    }
    for (int i = 0; i < 10; i++)
        digits = seen[i] ? digits * 10 + i : digits;
    return digits;
}

static void what_the_worker_has_not_come_to_has_more_time(void **state)
{
    (void)state;
    ledger *l = ledger_at("10:20:");
    snapshot *told = parse("22:22:");
    for (int seq = 1; seq <= 4; seq++) {
        ledger_event e = {"p", seq, 20 + (uint64_t)seq, 0};
        assert_int_equal(ledger_audited(l, &e, seq != 3, 1000), LEDGER_NEW);
    }
    ledger_postpone(l, told, 5000);
    assert_int_equal(taken(l, 1000), 13); /* the worker has told of 1; 3 is none of its own */
    ledger_postpone(l, told, 6000);
    assert_int_equal(taken(l, 5999), 0);
    assert_int_equal(taken(l, 6000), 24);
    ledger_postpone(l, told, 7000);
    snapshot_free(told);
    ledger_free(l);
}

static void a_long_transaction_does_not_hide_others(void **state)
{
    (void)state;
    /* xid 10 runs on while 11 to 19 commit; its event comes at last, with the smallest xid */
    ledger *l = ledger_at("10:20:10");
    assert_int_equal(notified(l, "p", 9, 20), LEDGER_NEW);
    ledger_advance(l, parse("10:30:10"));
    assert_int_equal(notified(l, "slow", 1, 10), LEDGER_NEW);
    assert_int_equal(notified(l, "slow", 1, 10), LEDGER_KNOWN);
    ledger_free(l);
}

/* A notification told of it, S did not see it yet, and a crash has taken it back. */
static void another_event_of_that_name_is_found_out(void **state)
{
    (void)state;
    ledger *l = ledger_at("900:900:");
    assert_int_equal(notified(l, "ann", 7, 950), LEDGER_NEW);
    ledger_begin_difference(l);
    assert_int_equal(caught_up(l, "ann", 7, 941), LEDGER_OTHER);
    assert_int_equal(audited(l, "ann", 7, 941, 1000), LEDGER_OTHER);
    assert_int_equal(notified(l, "ann", 7, 941), LEDGER_OTHER);
    assert_int_equal(caught_up(l, "ann", 7, 950), LEDGER_KNOWN);
    assert_int_equal(ledger_caught_up(l, &(ledger_event){"ann", 7, 950, 2}), LEDGER_OTHER);
    assert_int_equal(ledger_caught_up(l, &(ledger_event){"ann", 7, 950, 0}), LEDGER_KNOWN);
    ledger_free(l);
}

static void what_a_newer_snapshot_sees_must_be_there(void **state)
{
    (void)state;
    ledger *l = ledger_at("900:900:");
    assert_int_equal(notified(l, "ann", 7, 950), LEDGER_NEW);
    assert_int_equal(notified(l, "bob", 1, 960), LEDGER_NEW);
    ledger_begin_difference(l);
    assert_true(fits(l, "950:950:"));
    assert_false(fits(l, "951:951:"));
    assert_int_equal(audited(l, "ann", 7, 950, 1000), LEDGER_KNOWN);
    assert_true(fits(l, "951:951:"));
    assert_true(fits(l, "951:961:960"));
    ledger_begin_difference(l);
    assert_false(fits(l, "951:951:"));
    ledger_free(l);
}

static void what_was_pruned_need_not(void **state)
{
    (void)state;
    ledger *l = ledger_at("900:900:");
    assert_int_equal(notified(l, "ann", 7, 950), LEDGER_NEW);
    ledger_begin_difference(l);
    ledger_pruned(l, "ann");
    ledger_pruned(l, "ann");
    assert_true(fits(l, "960:960:"));
    ledger_begin_difference(l);
    assert_true(fits(l, "960:960:"));
    ledger_free(l);
}

/* S stays behind what is on disk, so differences have the same rows again. */
static void a_row_that_was_accepted_is_no_suspect_again(void **state)
{
    (void)state;
    char *player;
    int64_t seq;
    ledger *l = ledger_at("10:20:");
    assert_int_equal(audited(l, "p", 1, 22, 1000), LEDGER_NEW);
    assert_true(ledger_take_suspect(l, 1000, &player, &seq));
    free(player);
    assert_int_equal(audited(l, "p", 1, 22, 2000), LEDGER_KNOWN);
    assert_int_equal(audited(l, "p", 2, 23, 2000), LEDGER_NEW);
    assert_int_equal(notified(l, "p", 2, 23), LEDGER_NEW);
    assert_int_equal(audited(l, "p", 2, 23, 3000), LEDGER_KNOWN);
    assert_int_equal(notified(l, "p", 2, 23), LEDGER_KNOWN);
    assert_int_equal(ledger_suspect_count(l), 0);
    ledger_free(l);
}

static bool event_of(db_event *e, const char *text)
{
    return db_event_parse(e, text, strlen(text));
}

static void payloads_are_read(void **state)
{
    (void)state;
    db_event e;
    assert_true(event_of(&e, "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\",\"xid\":\"77\"}"));
    assert_string_equal(e.player_id, "p");
    assert_string_equal(e.kind, "message");
    assert_null(e.sender);
    assert_int_equal(e.seq, 3);
    assert_int_equal(e.xid, 77);
    assert_int_equal(e.at, 0);
    assert_false(e.ref);
    assert_string_equal(e.data, "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\"}");
    assert_int_equal(e.data_len, strlen(e.data));
    db_event_clear(&e);
    assert_true(event_of(&e, "{\"playerId\":\"a\\\"\\u00e9\\n\",\"seq\":1,\"xid\":\"5\",\"kind\":"
                             "\"message\",\"sender\":\"staff\",\"message\":\"\\t\xe2\x82\xac\"}"));
    assert_string_equal(e.player_id, "a\"\xc3\xa9\n");
    assert_string_equal(e.sender, "staff");
    assert_string_equal(e.data, "{\"playerId\":\"a\\\"\\u00e9\\n\",\"seq\":1,\"kind\":\"message\","
                                "\"sender\":\"staff\",\"message\":\"\\t\xe2\x82\xac\"}");
    db_event_clear(&e);
    assert_true(event_of(
        &e, "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\",\"xid\":\"77\",\"ref\":true}"));
    assert_true(e.ref);
    db_event_clear(&e);
    assert_true(event_of(&e, "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\",\"timestamp\":"
                             "\"2026-11-27T07:00:01.000250Z\",\"xid\":\"77\"}"));
    assert_int_equal(e.at, UINT64_C(1814382996291448634));
    db_event_clear(&e);
    assert_true(event_of(&e, "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\",\"sender\":null,"
                             "\"message\":null,\"xid\":\"77\"}"));
    assert_null(e.sender); /* erased */
    db_event_clear(&e);
}

static void other_payloads_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "hello",
        "[]",
        "{}",
        "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\"}",
        "{\"playerId\":\"p\",\"seq\":\"3\",\"kind\":\"message\",\"xid\":\"77\"}",
        "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\",\"xid\":77}",
        "{\"playerId\":\"p\",\"seq\":0,\"kind\":\"message\",\"xid\":\"77\"}",
        "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\",\"xid\":\"7x\"}",
        "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\",\"xid\":\"7\",\"xid\":\"8\"}",
        "{\"xid\":\"7\",\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\"}",
        "{\"playerId\":\"p\",\"seq\":3,\"kind\":\"message\",\"xid\":\"7\"}x",
        "{\"playerId\":\"p\\u0000\",\"seq\":3,\"kind\":\"message\",\"xid\":\"7\"}",
        "{\"playerId\":\"p\xff\",\"seq\":3,\"kind\":\"message\",\"xid\":\"7\"}"};
    db_event e;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(event_of(&e, bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_sees_what_has_ended),
        cmocka_unit_test(what_is_no_snapshot_is_refused),
        cmocka_unit_test(a_snapshot_can_be_lowered),
        cmocka_unit_test(a_snapshot_covers_an_older_one),
        cmocka_unit_test(a_notification_is_new_unless_the_snapshot_saw_it),
        cmocka_unit_test(a_catch_up_leaves_out_what_was_notified),
        cmocka_unit_test(a_broken_catch_up_can_start_again),
        cmocka_unit_test(a_late_notification_clears_a_suspect),
        cmocka_unit_test(a_suspect_that_stays_one_is_taken),
        cmocka_unit_test(what_the_worker_has_not_come_to_has_more_time),
        cmocka_unit_test(a_long_transaction_does_not_hide_others),
        cmocka_unit_test(another_event_of_that_name_is_found_out),
        cmocka_unit_test(what_a_newer_snapshot_sees_must_be_there),
        cmocka_unit_test(what_was_pruned_need_not),
        cmocka_unit_test(a_row_that_was_accepted_is_no_suspect_again),
        cmocka_unit_test(payloads_are_read),
        cmocka_unit_test(other_payloads_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
