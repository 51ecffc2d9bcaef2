/* The database's hosts: what is configured, whose addresses are looked up, and that nobody waits for
 * a resolver that is silent. */
#include <netdb.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "db/host_lookup.h"
#include "db/pg_conn.h"

/* ---- a resolver that knows few names, and of one says nothing ---- */

#define SILENCE_S 20 /* unless it is let go before */

static sem_t asked, let_go;
static int silences_ended; /* by themselves */

/* An answer is one block for each address, as freeaddrinfo() below takes it. */
static struct addrinfo *address(const char *text, struct addrinfo *next)
{
    struct addrinfo *a = calloc(1, sizeof(*a) + sizeof(struct sockaddr_in6));
    a->ai_addr = (struct sockaddr *)(a + 1);
    a->ai_next = next;
    if (strchr(text, ':')) {
        a->ai_addrlen = sizeof(struct sockaddr_in6);
        uv_ip6_addr(text, 0, (struct sockaddr_in6 *)a->ai_addr);
    } else {
        a->ai_addrlen = sizeof(struct sockaddr_in);
        uv_ip4_addr(text, 0, (struct sockaddr_in *)a->ai_addr);
    }
    a->ai_family = a->ai_addr->sa_family;
    return a;
}

static void be_silent(void)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += SILENCE_S;
    sem_post(&asked);
    if (sem_timedwait(&let_go, &end) != 0)
        silences_ended++;
}

/* These two take the C library's place, for every library and thread. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)service;
    (void)hints;
    *result = NULL;
    if (strcmp(name, "two.example") == 0)
        *result = address("192.0.2.1", address("2001:db8::1", NULL));
    else if (strcmp(name, "one.example") == 0)
        *result = address("192.0.2.2", NULL);
    else if (strcmp(name, "silent.example") == 0)
        be_silent();
    return *result ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *a)
{
    while (a) {
        struct addrinfo *next = a->ai_next;
        free(a);
        a = next;
    }
}

/* ---- the scene ---- */

#define PATIENCE_MS 15000 /* longer than any answer takes, also under valgrind on a busy machine */
#define SHORT_MS 2000     /* where it has to end */

typedef struct scene {
    uv_loop_t loop;
    uint64_t timeout_ms;
    unsigned first; /* of the order */
    int done;
    host_order order;
    char problem[100];
} scene;

static int start(void **state)
{
    scene *s = calloc(1, sizeof(*s));
    uv_loop_init(&s->loop);
    s->timeout_ms = PATIENCE_MS;
    sem_init(&asked, 0, 0);
    sem_init(&let_go, 0, 0);
    silences_ended = 0;
    *state = s;
    return 0;
}

static int stop(void **state)
{
    scene *s = *state;
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    host_order_clear(&s->order);
    free(s);
    return 0;
}

static void on_done(void *arg, const db_hosts *hosts, const char *problem)
{
    scene *s = arg;
    s->done++;
    host_order_clear(&s->order);
    s->order = host_order_of(hosts, s->first);
    strncpy(s->problem, problem ? problem : "", sizeof(s->problem) - 1);
    uv_stop(&s->loop);
}

static host_lookup *look_up(scene *s, const char *database)
{
    s->done = 0;
    host_lookup *l = host_lookup_start(&s->loop, "db=test", database, s->timeout_ms, on_done, s);
    assert_int_equal(s->done, 0);
    return l;
}

static void expect(scene *s, const char *database, const char *host, const char *hostaddr,
                   const char *port)
{
    (void)!look_up(s, database);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(s->done, 1);
    assert_string_equal(s->problem, "");
    assert_string_equal(s->order.host, host);
    assert_string_equal(s->order.hostaddr, hostaddr);
    assert_string_equal(s->order.port, port);
}

/* ---- tests ---- */

static void a_name_stands_beside_each_of_its_addresses(void **state)
{
    expect(*state, "host=one.example port=1", "one.example", "192.0.2.2", "1");
    expect(*state, "host=two.example port=1", "two.example,two.example", "192.0.2.1,2001:db8::1",
           "1,1");
    expect(*state, "postgresql://one.example:5,two.example:6/chat",
           "one.example,two.example,two.example", "192.0.2.2,192.0.2.1,2001:db8::1", "5,6,6");
}

static void what_needs_no_resolver_stays_as_it_is(void **state)
{
    expect(*state, "host=/run/a port=1", "/run/a", "", "1");
    expect(*state, "host=192.0.2.9,::1,/run/a,one.example port=1,2,3,4",
           "192.0.2.9,::1,/run/a,one.example", ",,,192.0.2.2", "1,2,3,4");
    expect(*state, "host=silent.example,one.example hostaddr=192.0.2.7, port=1",
           "silent.example,one.example", "192.0.2.7,192.0.2.2", "1,1");
    expect(*state, "hostaddr=192.0.2.7 port=1", "", "192.0.2.7", "1");
}

static void hosts_come_from_the_environment_and_services_too(void **state)
{
    char path[] = "/tmp/unichat-service-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    fputs("[chat]\nhost=one.example\nport=7\n", f);
    fclose(f);
    setenv("PGSERVICEFILE", path, 1);
    expect(*state, "service=chat", "one.example", "192.0.2.2", "7");
    setenv("PGHOST", "two.example", 1);
    setenv("PGPORT", "8", 1);
    expect(*state, "dbname=x", "two.example,two.example", "192.0.2.1,2001:db8::1", "8,8");
    unsetenv("PGHOST");
    unsetenv("PGPORT");
    unsetenv("PGSERVICEFILE");
    remove(path);
}

static void an_attempt_begins_with_a_later_address(void **state)
{
    scene *s = *state;
    s->first = 1;
    expect(s, "host=two.example,/run/a port=1,2", "two.example,/run/a,two.example",
           "2001:db8::1,,192.0.2.1", "1,2,1");
    s->first = 5;
    expect(s, "host=two.example,/run/a port=1,2", "/run/a,two.example,two.example",
           ",192.0.2.1,2001:db8::1", "2,1,1");
}

static void what_libpq_would_refuse_is_left_to_it(void **state)
{
    expect(*state, "host=a.example,b.example hostaddr=192.0.2.1", "", "", "");
    expect(*state, "host=a.example,b.example port=1,2,3", "", "", "");
    expect(*state, "service=there-is-none", "", "", "");
}

static void a_name_without_an_address_is_left_out(void **state)
{
    scene *s = *state;
    expect(s, "host=unknown.example,one.example port=1,2", "one.example", "192.0.2.2", "2");
    (void)!look_up(s, "host=unknown.example,nobody.example");
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(s->done, 1);
    assert_string_not_equal(s->problem, "");
}

static void let_go_of(int silences)
{
    assert_int_equal(silences_ended, 0);
    for (int i = 0; i < silences; i++)
        sem_post(&let_go);
}

static void a_silent_resolver_costs_its_host_alone(void **state)
{
    ((scene *)*state)->timeout_ms = SHORT_MS;
    expect(*state, "host=silent.example,one.example port=1,2", "one.example", "192.0.2.2", "2");
    let_go_of(1);
}

static void a_lookup_can_be_given_up(void **state)
{
    scene *s = *state;
    for (int i = 0; i < 20; i++) /* more than there are threads */
        host_lookup_cancel(look_up(s, "host=silent.example"));
    uv_run(&s->loop, UV_RUN_NOWAIT);
    assert_int_equal(s->done, 0);
    let_go_of(20);
}

static void on_tick(uv_timer_t *timer)
{
    if (++*(int *)timer->data == 3)
        uv_close((uv_handle_t *)timer, NULL);
}

static void note(void *arg)
{
    ++*(int *)arg;
}

static void connections_that_wait_for_a_resolver_hold_nobody_up(void **state)
{
    static const pg_conn_events events;
    const config conf = {.database = "host=silent.example", .connect_timeout = 60000};
    scene *s = *state;
    pg_conn *conns[8];
    uv_timer_t timer;
    int ticks = 0, closed = 0;

    for (size_t i = 0; i < 8; i++) {
        conns[i] = pg_conn_new(&s->loop, &conf, "test", 1000, &events, NULL);
        pg_conn_start(conns[i]);
    }
    while (sem_trywait(&asked) != 0)
        uv_run(&s->loop, UV_RUN_NOWAIT);
    uv_timer_init(&s->loop, &timer);
    timer.data = &ticks;
    uv_timer_start(&timer, on_tick, 1, 1);
    while (ticks < 3)
        uv_run(&s->loop, UV_RUN_ONCE);
    for (size_t i = 0; i < 8; i++)
        pg_conn_close(conns[i], note, &closed);
    while (closed < 8)
        uv_run(&s->loop, UV_RUN_ONCE);
    let_go_of(8);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_name_stands_beside_each_of_its_addresses),
        SCENE_TEST(what_needs_no_resolver_stays_as_it_is),
        SCENE_TEST(hosts_come_from_the_environment_and_services_too),
        SCENE_TEST(an_attempt_begins_with_a_later_address),
        SCENE_TEST(what_libpq_would_refuse_is_left_to_it),
        SCENE_TEST(a_name_without_an_address_is_left_out),
        SCENE_TEST(a_silent_resolver_costs_its_host_alone),
        SCENE_TEST(a_lookup_can_be_given_up),
        SCENE_TEST(connections_that_wait_for_a_resolver_hold_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
