/* The settings: where values come from, what is said about wrong ones, and what a reload may
 * change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "config/config.h"

#define SECRET32 "0123456789abcdef0123456789abcdef"
#define MINIMUM                                                                                    \
    "app_key = key\napp_secret = 0123456789abcdef\njwt_secret = " SECRET32 "\nweb_root =\n"

static char folder[64];
static char *conf_path;

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/unichat-config-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    conf_path = mem_printf("%s/bridge.conf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char *command = mem_printf("rm -rf %s", folder);
    int result = system(command);
    free(command);
    free(conf_path);
    return result;
}

static char *write_file(const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
    return path;
}

static config *load(const char *text, buf *problems)
{
    free(write_file("bridge.conf", text));
    return config_load(conf_path, problems);
}

static config *load_good(const char *text)
{
    buf problems = {0};
    config *c = load(text, &problems);
    if (!c)
        fail_msg("%s", problems.data);
    buf_free(&problems);
    return c;
}

/* Loads what must be refused and checks that each of the NULL-terminated phrases is said. */
static void refuse(const char *text, ...)
{
    buf problems = {0};
    assert_null(load(text, &problems));
    va_list phrases;
    va_start(phrases, text);
    for (const char *p; (p = va_arg(phrases, const char *));)
        if (!strstr(problems.data, p))
            fail_msg("\"%s\" is not in:\n%s", p, problems.data);
    va_end(phrases);
    buf_free(&problems);
}

static void defaults_and_values_are_typed(void **state)
{
    (void)state;
    config *c = load_good(MINIMUM "max_body = 1 MB\naudit_interval=250ms\ntrust_forwarded = yes\n");
    assert_int_equal(c->listen_port, 8080);
    assert_int_equal(c->max_body, 1 << 20);
    assert_int_equal(c->audit_interval, 250);
    assert_true(c->trust_forwarded);
    assert_string_equal(c->database, "");
    assert_string_equal(c->apps[0].key, "key");
    assert_int_equal(c->app_count, 1);
    config_free(c);
}

static void origins_are_named_one_by_one(void **state)
{
    static const char *const none[] = {
        "*",
        "https://a.example *",
        "null",
        "a.example",
        "https://",
        "https://*.a.example",
        "https://a.example/",
        "https://x@a.example",
        "ftp://a.example",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        char *text = mem_printf(MINIMUM "allowed_origins = %s\n", none[i]);
        refuse(text, "allowed_origins: \"", NULL);
        free(text);
    }
    config_free(load_good(MINIMUM "allowed_origins = https://a.example, HTTP://b.example:81\n"));
    config_free(load_good(MINIMUM "app_origins = *\n"));
}

static void every_problem_is_told_with_its_line(void **state)
{
    (void)state;
    refuse(MINIMUM "listen_port = 99999\n\n# fine\nlog_level = loud\nfrobnicate = 1\nnothing here\n"
                   "[elsewhere]\nx = 1\n",
           "bridge.conf:5: listen_port: \"99999\" is not within 0..65535",
           "bridge.conf:8: log_level: \"loud\" is none of debug|info|warning|error",
           "bridge.conf:9: there is no setting \"frobnicate\"",
           "bridge.conf:10: \"nothing here\" has no value",
           "bridge.conf:12: there is no section [elsewhere]", NULL);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    refuse("", "app_key: is not set", "app_secret: is not set", "jwt_secret: is not set", NULL);
    refuse(MINIMUM "jwt_secret = short\n", "jwt_secret: is shorter than 32 bytes", NULL);
    refuse(MINIMUM "jwt_algorithm = RS256\n", "jwt_key_file: RS256 needs", NULL);
    refuse(MINIMUM "tls_cert = /nonexistent\n", "tls_cert, tls_key: set both", NULL);
    refuse(MINIMUM "database = host=a b c\n", "database: is not a libpq connection string", NULL);
    buf problems = {0};
    assert_null(config_load("/nonexistent.conf", &problems));
    assert_non_null(strstr(problems.data, "/nonexistent.conf: cannot read the file"));
    buf_free(&problems);
}

static void a_value_is_all_that_follows_the_equals_sign(void **state)
{
    (void)state;
    config *c =
        load_good(MINIMUM "database = dbname=chat password='a ; b = #c'\n  log_level = debug\n");
    assert_string_equal(c->database, "dbname=chat password='a ; b = #c'");
    assert_string_equal(c->log_level, "debug");
    config_free(c);
}

static void a_long_line_is_whole_and_counts_once(void **state)
{
    (void)state;
    char value[3000];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    memcpy(value, "http://", 7);
    char *text = mem_printf(MINIMUM "allowed_origins = %s\nlisten_port = 1\n", value);
    config *c = load_good(text);
    assert_int_equal(strlen(c->allowed_origins), 2999);
    config_free(c);
    free(text);
    text = mem_printf(MINIMUM "allowed_origins = %s\nlisten_port = x\n", value);
    refuse(text, "bridge.conf:6: listen_port", NULL);
    free(text);
}

static void the_environment_wins(void **state)
{
    (void)state;
    setenv("UNICHAT_LISTEN_PORT", "9000", 1);
    setenv("UNICHAT_APP_KEY", "fromenv", 1);
    config *c = load_good(MINIMUM "listen_port = 1000\n");
    assert_int_equal(c->listen_port, 9000);
    assert_string_equal(c->apps[0].key, "fromenv");
    config_free(c);
    setenv("UNICHAT_LISTEN_PORT", "x", 1);
    refuse(MINIMUM, "UNICHAT_LISTEN_PORT: \"x\" is not a whole number", NULL);
    unsetenv("UNICHAT_LISTEN_PORT");
    unsetenv("UNICHAT_APP_KEY");
}

static void secrets_come_from_files_and_credentials(void **state)
{
    (void)state;
    char *secret = write_file("secret", "fedcba9876543210fedcba9876543210\n");
    char *text = mem_printf(MINIMUM "jwt_secret_file = %s\n", secret);
    config *c = load_good(text);
    assert_string_equal(c->jwt_secret, "fedcba9876543210fedcba9876543210");
    config_free(c);
    free(text);
    free(secret);

    free(write_file("app_secret", "credential-of-the-app"));
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    c = load_good("app_key = key\njwt_secret = " SECRET32 "\n");
    assert_string_equal(c->apps[0].secret, "credential-of-the-app");
    config_free(c);
    unsetenv("CREDENTIALS_DIRECTORY");
    refuse(MINIMUM "demo_password_file = /nonexistent\n", "demo_password_file: cannot read", NULL);
}

static void a_secret_is_whole_or_refused(void **state)
{
    (void)state;
    char *long_secret = mem_alloc(65536 + 2);
    memset(long_secret, 'x', 65536);
    char *path = write_file("long", long_secret),
         *text = mem_printf(MINIMUM "jwt_secret_file = %s\n", path);
    config *c = load_good(text);
    assert_int_equal(strlen(c->jwt_secret), 65536);
    config_free(c);
    long_secret[65536] = 'x';
    free(write_file("long", long_secret));
    refuse(text, "is larger than 64 kB", NULL);
    refuse(MINIMUM "jwt_secret_file = /\n", "cannot read the file", NULL);
    free(long_secret);
    free(path);
    free(text);
}

static void what_is_told_in_seconds_is_a_number_of_them(void **state)
{
    (void)state;
    refuse(MINIMUM
           "activity_timeout = 1500ms\njwt_leeway = 1ms\ndemo_session = 60001ms\npush_ttl = 1ms\n",
           "activity_timeout: must be a number of whole seconds", "jwt_leeway: must",
           "demo_session: must", "push_ttl: must", NULL);
    config *c = load_good(
        MINIMUM "activity_timeout = 1000ms\npong_timeout = 1500ms\napp_cache_time = 500ms\n");
    assert_int_equal(c->pong_timeout, 1500);
    config_free(c);
}

static void a_wrong_secret_is_not_shown(void **state)
{
    (void)state;
    buf problems = {0};
    assert_null(
        load(MINIMUM "jwt_secret = hunter2\ndatabase = password=hunter2 hunter2\n", &problems));
    assert_null(strstr(problems.data, "hunter2"));
    buf_free(&problems);
}

static void further_apps_have_sections(void **state)
{
    (void)state;
    config *c = load_good(MINIMUM "app_client_events = on\n[app shop]\nid = 7\nkey = k2\n"
                                  "secret = 0123456789abcdef\nmax_event = 20kB\n");
    assert_int_equal(c->app_count, 2);
    assert_true(c->apps[0].client_events);
    assert_false(c->apps[1].client_events);
    assert_string_equal(c->apps[1].name, "shop");
    assert_int_equal(c->apps[1].max_event, 20480);
    config_free(c);
    refuse(MINIMUM "[app shop]\nkey = key\nid = 7\nsecret = 0123456789abcdef\n",
           "[app shop]: id and key must differ", NULL);
}

static void the_demo_is_for_loopback_alone(void **state)
{
    (void)state;
    config_free(load_good(MINIMUM "demo_password = x\nlisten_address = ::1\n"));
    refuse(MINIMUM "demo_password = x\nlisten_address = *\n", "demo_password: lets anyone in",
           NULL);
}

static bool accept(void *arg)
{
    (*(int *)arg)++;
    return true;
}

static bool refuse_it(void *arg)
{
    const config *c = arg;
    assert_string_equal(c->jwt_issuer, "new"); /* what it judges is what would go live */
    return false;
}

static void a_reload_changes_what_may_change(void **state)
{
    (void)state;
    config *c = load_good(MINIMUM);
    buf problems = {0};
    free(write_file("bridge.conf", MINIMUM "log_level = error\nlisten_port = 1\n"));
    int accepted = 0;
    assert_true(config_reload(c, accept, &accepted, &problems));
    assert_int_equal(accepted, 1);
    assert_string_equal(c->log_level, "error");
    assert_int_equal(c->listen_port, 8080);
    free(write_file("bridge.conf", MINIMUM "log_level = debug\npool_size = 0\n"));
    assert_false(config_reload(c, accept, &accepted, &problems));
    assert_int_equal(accepted, 1);
    assert_string_equal(c->log_level, "error");
    assert_non_null(strstr(problems.data, "pool_size: \"0\" is not within 1..64"));
    buf_free(&problems);
    config_free(c);
}

static void a_reload_takes_nothing_that_is_wrong_until_a_restart(void **state)
{
    (void)state;
    config *c = load_good(MINIMUM "listen_address = 0.0.0.0\n");
    buf problems = {0};
    int accepted = 0;
    free(write_file("bridge.conf", MINIMUM "demo_password = x\nlog_level = error\n"));
    assert_false(config_reload(c, accept, &accepted, &problems));
    assert_non_null(strstr(problems.data, "demo_password: lets anyone in"));
    assert_non_null(strstr(problems.data, "restart"));
    assert_int_equal(accepted, 0);
    assert_string_equal(c->demo_password, "");
    assert_string_equal(c->log_level, "info");
    buf_free(&problems);
    config_free(c);
}

static void a_reload_that_is_not_accepted_changes_nothing(void **state)
{
    (void)state;
    config *c = load_good(MINIMUM "jwt_issuer = old\n");
    buf problems = {0};
    free(write_file("bridge.conf", MINIMUM "jwt_issuer = new\nlog_level = error\n"));
    assert_false(config_reload(c, refuse_it, c, &problems));
    assert_string_equal(c->jwt_issuer, "old");
    assert_string_equal(c->log_level, "info");
    buf_free(&problems);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_and_values_are_typed),
        cmocka_unit_test(origins_are_named_one_by_one),
        cmocka_unit_test(every_problem_is_told_with_its_line),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_value_is_all_that_follows_the_equals_sign),
        cmocka_unit_test(a_long_line_is_whole_and_counts_once),
        cmocka_unit_test(the_environment_wins),
        cmocka_unit_test(secrets_come_from_files_and_credentials),
        cmocka_unit_test(a_secret_is_whole_or_refused),
        cmocka_unit_test(what_is_told_in_seconds_is_a_number_of_them),
        cmocka_unit_test(a_wrong_secret_is_not_shown),
        cmocka_unit_test(further_apps_have_sections),
        cmocka_unit_test(the_demo_is_for_loopback_alone),
        cmocka_unit_test(a_reload_changes_what_may_change),
        cmocka_unit_test(a_reload_takes_nothing_that_is_wrong_until_a_restart),
        cmocka_unit_test(a_reload_that_is_not_accepted_changes_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
