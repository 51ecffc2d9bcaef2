/* Lines: a flood of one kind is cut short and counted, nothing else is; a value cannot forge a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

#define FLOOD 3000

static int standard_error;

static int divert(void **state)
{
    FILE *file = tmpfile();

    *state = file;
    standard_error = dup(STDERR_FILENO);
    return !file || dup2(fileno(file), STDERR_FILENO) < 0;
}

static int give_back(void **state)
{
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    return fclose(*state);
}

/* All that has been written; the caller frees. */
static char *written(FILE *file)
{
    long size = lseek(fileno(file), 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);

    assert_int_equal(pread(fileno(file), text, (size_t)size, 0), size);
    return text;
}

static unsigned count(FILE *file, const char *word)
{
    char *text = written(file);
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, word)); at++)
        n++;
    free(text);
    return n;
}

static unsigned long suppressed(FILE *file, const char *kind)
{
    char *text = written(file);
    char *line = strstr(text, kind);
    unsigned long n = 0;

    for (; line; line = strstr(line + 1, kind)) {
        size_t len = strcspn(line, "\n");
        const char *at = memmem(line, len, " suppressed=", 12);

        n += at ? strtoul(at + 12, NULL, 10) : 0;
    }
    free(text);
    return n;
}

static void a_flood_of_one_kind_is_cut_short_and_counted(void **state)
{
    uint64_t start = clock_monotonic_ms(), now;
    unsigned n = 0, lines;

    for (; n < FLOOD; n++)
        log_info("event=flood n=%u", n);
    lines = count(*state, "event=flood ");
    now = clock_monotonic_ms();
    assert_true(lines >= LOG_BURST);
    assert_true(lines <= LOG_BURST + 1 + LOG_A_SECOND * (now - start) / 1000);
    for (; count(*state, "event=flood ") == lines; n++)
        log_info("event=flood n=%u", n);
    assert_int_equal(count(*state, "event=flood ") + suppressed(*state, "event=flood "), n);
}

static void the_others_are_written(void **state)
{
    for (unsigned n = 0; n < FLOOD; n++)
        log_warning("event=other_flood n=%u", n);
    log_warning("event=quiet");
    assert_true(count(*state, "event=other_flood") < FLOOD / 2);
    assert_int_equal(count(*state, "event=quiet\n"), 1);
}

static void errors_are_all_written(void **state)
{
    for (unsigned n = 0; n < FLOOD; n++)
        log_error("event=broken n=%u", n);
    assert_int_equal(count(*state, "event=broken "), FLOOD);
}

static void what_is_below_the_level_takes_nothing(void **state)
{
    log_set_level(LOG_LEVEL_WARNING);
    for (unsigned n = 0; n < 2; n++) {
        for (unsigned i = 0; i < FLOOD; i++)
            log_write(n ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, NULL, "event=below n=%u", i);
        assert_int_equal(count(*state, "event=below") >= LOG_BURST, n);
    }
    log_set_level(LOG_LEVEL_INFO);
}

static void a_value_stays_on_its_line(void **state)
{
    char text[9000];

    memset(text, '\r', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info_as("ws=1", "event=forged reason=%s", "a\n2026-01-31T12:00:00.123Z INFO  event=mine");
    log_info("%s", text);
    assert_int_equal(count(*state, "\n"), 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, divert, give_back)
    const struct CMUnitTest tests[] = {
        CASE(a_flood_of_one_kind_is_cut_short_and_counted),
        CASE(the_others_are_written),
        CASE(errors_are_all_written),
        CASE(what_is_below_the_level_takes_nothing),
        CASE(a_value_stays_on_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
