/* What in the hub depends on time or on many: timeouts, the cache's life, counts above a hundred,
 * order, and no leftovers. The transport here keeps what it is given, and the wheel is turned by
 * hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app_options.h"
#include "base/clock.h"
#include "base/log.h"
#include "hub/query.h"
#include "hub/session.h"

#define MANY 150

typedef struct client {
    hub_conn *conn;
    unsigned frames;
    char last[4096];
    int closed; /* the code */
} client;

static hub *h;
static hub_app *app;
static hub_app_options options;

static void keep(void *peer, frame *f)
{
    client *c = peer;
    size_t header = f->bytes[1] < 126 ? 2 : 4;

    c->frames++;
    assert_true(f->len - header < sizeof(c->last));
    memcpy(c->last, f->bytes + header, f->len - header);
    c->last[f->len - header] = '\0';
}

static void closed(void *peer, int code, const char *reason)
{
    (void)reason;
    ((client *)peer)->closed = code;
}

static size_t backlog(const void *peer)
{
    (void)peer;
    return 0;
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    h = hub_new();
    hub_set_transport(h, &(hub_transport){.send = keep, .close = closed, .backlog = backlog});
    options = app_options();
    return 0;
}

/* Every table is empty again. */
static int teardown(void **state)
{
    hub_stats stats;

    (void)state;
    hub_get_stats(h, &stats);
    assert_int_equal(stats.connections + stats.channels + stats.subscriptions + stats.users, 0);
    hub_free(h);
    return 0;
}

static void start_app(void)
{
    app = hub_app_add(h, &options);
    assert_non_null(app);
}

static void join(client *c)
{
    const char *why;
    int code;

    *c = (client){0};
    c->conn = hub_connect(app, c, NULL, "test", &code, &why);
    assert_non_null(c->conn);
}

static void say(client *c, const char *text)
{
    hub_receive(c->conn, text, strlen(text));
}

static void subscribe_to(client *c, const char *channel)
{
    char text[200];

    snprintf(text, sizeof(text), "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%s\"}}",
             channel);
    say(c, text);
}

static void pass_seconds(unsigned seconds)
{
    wheel_advance(hub_wheel(h), clock_monotonic_ms() + seconds * 1000ull);
}

static void who_does_not_authorize_is_closed(void **state)
{
    client c;

    (void)state;
    options.require_authorization = true;
    start_app();
    join(&c);
    pass_seconds(29);
    assert_int_equal(c.closed, 0);
    pass_seconds(31);
    assert_int_equal(c.closed, 4009);
    hub_disconnect(c.conn);
}

static void a_cached_event_has_its_time(void **state)
{
    client c;

    (void)state;
    start_app();
    hub_publish(app, "cache-x", "e", "data", 4, NULL);
    assert_false(hub_has_subscribers(app, "cache-x"));
    pass_seconds(1799);
    join(&c);
    subscribe_to(&c, "cache-x");
    assert_true(hub_has_subscribers(app, "cache-x"));
    assert_string_equal(c.last, "{\"event\":\"e\",\"channel\":\"cache-x\",\"data\":\"data\"}");
    say(&c, "{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"cache-x\"}}");
    pass_seconds(1801);
    subscribe_to(&c, "cache-x");
    assert_string_equal(c.last, "{\"event\":\"pusher:cache_miss\",\"channel\":\"cache-x\"}");
    hub_disconnect(c.conn);
}

static void a_large_channel_tells_its_count_now_and_then(void **state)
{
    static client clients[MANY];
    unsigned before;

    (void)state;
    options.subscription_count = true;
    start_app();
    for (int i = 0; i < 101; i++) {
        join(&clients[i]);
        subscribe_to(&clients[i], "x");
    }
    before = clients[0].frames;
    for (int i = 101; i < MANY; i++) {
        join(&clients[i]);
        subscribe_to(&clients[i], "x");
    }
    assert_int_equal(clients[0].frames, before);
    pass_seconds(6);
    assert_int_equal(clients[0].frames, before + 1);
    assert_non_null(strstr(clients[0].last, "\\\"subscription_count\\\":150"));
    for (int i = 0; i < MANY; i++)
        hub_disconnect(clients[i].conn);
}

static void everybody_gets_it_but_one_whoever_has_left(void **state)
{
    static client clients[MANY];
    size_t sent;

    (void)state;
    start_app();
    for (int i = 0; i < MANY; i++) {
        join(&clients[i]);
        subscribe_to(&clients[i], "x");
    }
    for (int i = 0; i < MANY; i += 3)
        hub_disconnect(clients[i].conn);
    sent = hub_publish(app, "x", "e", "1", 1, hub_conn_socket_id(clients[1].conn));
    assert_int_equal(sent, MANY - MANY / 3 - 1);
    assert_null(strstr(clients[1].last, "\"event\":\"e\""));
    assert_non_null(strstr(clients[2].last, "\"event\":\"e\""));
    for (int i = 0; i < MANY; i++)
        if (i % 3 != 0)
            hub_disconnect(clients[i].conn);
}

static bool guarded(void *arg, const char *channel)
{
    (void)arg;
    return strcmp(channel, "guarded") == 0;
}

static hub_verdict wait_for_signin(void *arg, const hub_conn *conn, const char *channel,
                                   const char **why)
{
    (void)arg;
    (void)conn;
    (void)channel;
    *why = "no";
    return HUB_WAIT;
}

static void a_guarded_subscription_waits_for_a_while(void **state)
{
    client c;
    unsigned before;

    (void)state;
    start_app();
    hub_set_timing(h, 2000, 120);
    hub_app_set_guard(app, &(hub_guard){.is_guarded = guarded, .may_listen = wait_for_signin});
    join(&c);
    before = c.frames;
    subscribe_to(&c, "guarded");
    pass_seconds(1);
    assert_int_equal(c.frames, before);
    pass_seconds(3);
    assert_non_null(strstr(c.last, "pusher:subscription_error"));
    subscribe_to(&c, "guarded");
    hub_disconnect(c.conn);
}

static void a_closing_connection_is_deaf(void **state)
{
    client c;
    unsigned before;

    (void)state;
    start_app();
    join(&c);
    subscribe_to(&c, "x");
    hub_conn_fail(c.conn, 4200, "bye");
    before = c.frames;
    subscribe_to(&c, "y");
    assert_int_equal(hub_publish(app, "x", "e", "1", 1, NULL), 0);
    assert_int_equal(c.frames, before);
    assert_int_equal(c.closed, 4200);
    hub_disconnect(c.conn);
}

static void apps_have_their_own_ids_and_keys(void **state)
{
    (void)state;
    start_app();
    assert_null(hub_app_add(h, &options));
    assert_ptr_equal(hub_app_by_id(h, "k"), app);
    assert_ptr_equal(hub_app_by_key(h, "k"), app);
    assert_null(hub_app_by_key(h, "other"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_does_not_authorize_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cached_event_has_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_channel_tells_its_count_now_and_then, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(everybody_gets_it_but_one_whoever_has_left, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_guarded_subscription_waits_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(a_closing_connection_is_deaf, setup, teardown),
        cmocka_unit_test_setup_teardown(apps_have_their_own_ids_and_keys, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
