/* Whether a page of history may be answered: it must be of the database that the live events come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/history.h"

static history_verdict judge(history *h, const char *epoch, const char *live, const char **why)
{
    static char names[][9] = {"epoch", "snapshot", "newest", "last_seq", "seq", "payload"};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    const char *values[COUNT] = {epoch, "100:100:", "99", "15"};
    PGresAttDesc columns[COUNT] = {0};
    PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    for (int i = 0; i < COUNT; i++)
        columns[i].name = names[i];
    assert_true(PQsetResultAttrs(rows, COUNT, columns));
    for (int i = 0; i < COUNT; i++)
        assert_true(
            PQsetvalue(rows, 0, i, (char *)values[i], values[i] ? (int)strlen(values[i]) : -1));
    history_verdict verdict = history_judge(h, &(db_result){.rows = rows}, live, why);
    PQclear(rows);
    return verdict;
}

static void a_page_of_another_database_is_read_again(void **state)
{
    (void)state;
    const char *why;
    const char *const epochs[] = {NULL, "new"};
    for (int i = 0; i < 2; i++) {
        history *h = history_of_player("ann", 15, epochs[i]);
        assert_int_equal(judge(h, "old", "new", &why), HISTORY_RETRY);
        assert_int_equal(judge(h, "new", "new", &why), HISTORY_END);
        assert_string_equal(history_epoch(h), "new");
        history_free(h);
    }
    history *h = history_of_player("ann", 15, "old");
    assert_int_equal(judge(h, "old", "new", &why), HISTORY_RETRY);
    assert_int_equal(judge(h, "new", "new", &why), HISTORY_RESYNC);
    assert_string_equal(why, "epoch");
    history_free(h);
}

static void but_not_for_ever(void **state)
{
    (void)state;
    const char *why;
    int pages = 0;
    history *h = history_of_player("ann", 15, NULL);
    while (judge(h, "old", "new", &why) == HISTORY_RETRY && pages < 1000)
        pages++;
    assert_in_range(pages, 1, 100);
    assert_string_equal(why, "epoch");
    history_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_another_database_is_read_again),
        cmocka_unit_test(but_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
