/* The HTTP client against a real server on the same loop: answers, deadlines, cancelling, closing.
 */
#include "base/buf.h"
#include "base/http_client.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- a resolver that is silent ---- */

#define SILENT_NAME "silent.invalid"
#define SILENCE_S 20 /* unless it is let go before */

static sem_t asked, let_go, answered;
static int silences_ended; /* by themselves */

/* Takes the C library's place, for libcurl's threads too. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    static int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    struct timespec end;

    if (!name || strcmp(name, SILENT_NAME) != 0) {
        *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
        return next(name, service, hints, result);
    }
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += SILENCE_S;
    sem_post(&asked);
    if (sem_timedwait(&let_go, &end) != 0)
        silences_ended++;
    sem_post(&answered);
    return EAI_AGAIN;
}

/* ---- the scene ---- */

/* `answer` is what the server sends to every POST before it hangs up; a GET is never answered, nor
 * is anything when it is NULL. */
typedef struct scene {
    uv_loop_t loop;
    uv_tcp_t listener;
    int port;
    const char *answer;
    buf received;
    http_client *client;
    int done;
    int status;
    char error[256];
    char body[256];
    int64_t retry_after_ms;
    http_call *victim; /* cancelled by the next answer */
} scene;

typedef struct peer {
    uv_tcp_t tcp;
    scene *scene;
    char space[4096];
} peer;

static void free_peer(uv_handle_t *handle)
{
    free(handle->data);
}

static void give_room(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    peer *p = handle->data;

    (void)size;
    *out = uv_buf_init(p->space, sizeof(p->space));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *data)
{
    peer *p = stream->data;
    scene *s = p->scene;
    uv_buf_t out;

    if (len < 0) {
        uv_close((uv_handle_t *)stream, free_peer);
        return;
    }
    buf_append(&s->received, data->base, (size_t)len);
    if (!s->answer || !s->received.data || !strstr(s->received.data, "\r\n\r\n"))
        return;
    out = uv_buf_init((char *)(uintptr_t)s->answer, (unsigned)strlen(s->answer));
    assert_int_equal(uv_try_write(stream, &out, 1), strlen(s->answer));
    uv_read_stop(stream);
    uv_close((uv_handle_t *)stream, free_peer);
}

static void on_connection(uv_stream_t *listener, int status)
{
    scene *s = listener->data;
    peer *p = mem_new(peer);

    assert_int_equal(status, 0);
    p->scene = s;
    uv_tcp_init(&s->loop, &p->tcp);
    p->tcp.data = p;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&p->tcp), 0);
    uv_read_start((uv_stream_t *)&p->tcp, give_room, on_read);
}

static int start(void **state)
{
    scene *s = mem_new(scene);
    struct sockaddr_in address;
    int len = sizeof(address);

    uv_loop_init(&s->loop);
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&s->loop, &s->listener);
    s->listener.data = s;
    uv_tcp_bind(&s->listener, (const struct sockaddr *)&address, 0);
    uv_listen((uv_stream_t *)&s->listener, 16, on_connection);
    uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &len);
    s->port = ntohs(address.sin_port);
    s->client = http_client_new(&s->loop, 4);
    assert_non_null(s->client);
    *state = s;
    return 0;
}

static void close_peer(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, handle->data && handle->type == UV_TCP ? free_peer : NULL);
}

static int stop(void **state)
{
    scene *s = *state;

    http_client_close(s->client);
    uv_close((uv_handle_t *)&s->listener, NULL);
    uv_walk(&s->loop, close_peer, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0); /* nothing is left behind */
    buf_free(&s->received);
    free(s);
    return 0;
}

static void on_done(void *arg, const http_reply *reply)
{
    scene *s = arg;

    s->done++;
    uv_stop(&s->loop);
    s->status = reply->status;
    s->retry_after_ms = reply->retry_after_ms;
    snprintf(s->error, sizeof(s->error), "%s", reply->error ? reply->error : "");
    snprintf(s->body, sizeof(s->body), "%s", reply->body);
    if (s->victim) {
        http_client_cancel(s->victim);
        s->victim = NULL;
    }
}

static http_call *post(scene *s, http_call_spec spec)
{
    char url[64];
    http_call *call;

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/path", s->port);
    if (!spec.method)
        spec.method = "POST";
    if (!spec.url)
        spec.url = url;
    call = http_client_start(s->client, &spec, on_done, s);
    assert_int_equal(s->done, 0); /* never from within */
    return call;
}

static void run_until_done(scene *s, int count)
{
    while (s->done < count)
        uv_run(&s->loop, UV_RUN_DEFAULT);
}

static void post_sends_and_receives(void **state)
{
    scene *s = *state;
    const char *const headers[] = {"Content-Type: application/json", "Authorization: Key k", NULL};

    s->answer = "HTTP/1.1 201 Created\r\nX-Test: yes\r\nContent-Length: 5\r\n\r\nhello";
    post(s, (http_call_spec){.headers = headers, .body = "{\"a\":1}", .body_len = 7});
    run_until_done(s, 1);
    assert_int_equal(s->status, 201);
    assert_string_equal(s->error, "");
    assert_string_equal(s->body, "hello");
    assert_int_equal(s->retry_after_ms, -1);
    assert_non_null(strstr(s->received.data, "POST /path HTTP/1.1\r\n"));
    assert_non_null(strstr(s->received.data, "Authorization: Key k\r\n"));
    assert_null(strstr(s->received.data, "Expect:"));
    assert_non_null(strstr(s->received.data, "\r\n\r\n{\"a\":1}"));
}

static void post_without_a_body_has_length_0(void **state)
{
    scene *s = *state;

    s->answer = "HTTP/1.1 204 No Content\r\n\r\n";
    post(s, (http_call_spec){0});
    run_until_done(s, 1);
    assert_int_equal(s->status, 204);
    assert_string_equal(s->body, "");
    assert_non_null(strstr(s->received.data, "Content-Length: 0\r\n"));
}

static void retry_after_is_read(void **state)
{
    scene *s = *state;

    s->answer = "HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
    post(s, (http_call_spec){0});
    run_until_done(s, 1);
    assert_int_equal(s->status, 429);
    assert_int_equal(s->retry_after_ms, 7000);
}

static void retry_after_is_a_day_at_most(void **state)
{
    scene *s = *state;

    s->answer = "HTTP/1.1 503 Later\r\nRetry-After: 9223372036854775807\r\n"
                "Content-Length: 0\r\n\r\n";
    post(s, (http_call_spec){0});
    run_until_done(s, 1);
    assert_int_equal(s->retry_after_ms, 86400 * 1000);
}

static void a_long_answer_is_cut(void **state)
{
    scene *s = *state;

    s->answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
    post(s, (http_call_spec){.max_reply = 4});
    run_until_done(s, 1);
    assert_int_equal(s->status, 200);
    assert_string_equal(s->body, "0123");
}

static void a_redirect_is_not_followed(void **state)
{
    scene *s = *state;

    s->answer =
        "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    post(s, (http_call_spec){0});
    run_until_done(s, 1);
    assert_int_equal(s->status, 307);
}

static void no_answer_is_an_error(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"id\":",
                                          "not HTTP\r\n\r\n"};
    scene *s = *state;

    for (size_t i = 0; i < 2; i++) {
        s->answer = answers[i];
        s->done = 0;
        post(s, (http_call_spec){0});
        run_until_done(s, 1);
        assert_int_equal(s->status, 0);
        assert_true(strlen(s->error) > 0);
    }
}

static void the_deadline_ends_a_silent_call(void **state)
{
    scene *s = *state;

    post(s, (http_call_spec){.timeout_ms = 50});
    run_until_done(s, 1);
    assert_int_equal(s->status, 0);
    assert_non_null(strstr(s->error, "timed out"));
}

static void a_wrong_url_is_reported_the_same_way(void **state)
{
    static const char *const urls[] = {"", "file:///etc/passwd", "http://", "http://127.0.0.1:1/"};
    scene *s = *state;

    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        s->done = 0;
        post(s, (http_call_spec){.url = urls[i]});
        run_until_done(s, 1);
        assert_int_equal(s->status, 0);
        assert_true(strlen(s->error) > 0);
    }
}

static void a_callback_may_cancel_another_call(void **state)
{
    scene *s = *state;

    s->answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    post(s, (http_call_spec){0});
    s->victim = post(s, (http_call_spec){.method = "GET"});
    run_until_done(s, 1);
    assert_null(s->victim);
    assert_int_equal(s->done, 1);
}

static void closing_ends_what_is_under_way(void **state)
{
    scene *s = *state;

    for (int i = 0; i < 8; i++)
        post(s, (http_call_spec){0});
    for (int i = 0; i < 5; i++)
        uv_run(&s->loop, UV_RUN_NOWAIT);
    /* stop() closes the client: no callback comes, and the loop closes clean */
}

static void ends_without_its_resolver(scene *s, http_call *cancel)
{
    if (cancel)
        http_client_cancel(cancel);
    else
        run_until_done(s, 1);
    assert_int_equal(silences_ended, 0);
    sem_post(&let_go);
    sem_wait(&answered);
}

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;

    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks));)
        n += task->d_name[0] != '.';
    closedir(tasks);
    return n;
}

static void a_silent_resolver_holds_nobody_up(void **state)
{
    scene *s = *state;
    http_call *call;

    sem_init(&asked, 0, 0);
    sem_init(&let_go, 0, 0);
    sem_init(&answered, 0, 0);
    post(s, (http_call_spec){.url = "http://" SILENT_NAME "/", .timeout_ms = 50});
    ends_without_its_resolver(s, NULL);
    assert_int_equal(s->status, 0);
    assert_non_null(strstr(s->error, "timed out"));

    sem_wait(&asked);
    s->done = 0;
    call = post(s, (http_call_spec){.url = "http://" SILENT_NAME "/"});
    while (sem_trywait(&asked) != 0)
        uv_run(&s->loop, UV_RUN_NOWAIT);
    ends_without_its_resolver(s, call);
    assert_int_equal(s->done, 0);
    /* A thread that libcurl has let go frees what is its own; if we ended before, it would be a
     * leak to valgrind. */
    while (threads() > 1)
        sched_yield();
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(post_sends_and_receives),
        SCENE_TEST(post_without_a_body_has_length_0),
        SCENE_TEST(retry_after_is_read),
        SCENE_TEST(retry_after_is_a_day_at_most),
        SCENE_TEST(a_long_answer_is_cut),
        SCENE_TEST(a_redirect_is_not_followed),
        SCENE_TEST(no_answer_is_an_error),
        SCENE_TEST(the_deadline_ends_a_silent_call),
        SCENE_TEST(a_wrong_url_is_reported_the_same_way),
        SCENE_TEST(a_callback_may_cancel_another_call),
        SCENE_TEST(a_silent_resolver_holds_nobody_up),
        SCENE_TEST(closing_ends_what_is_under_way),
    };

    return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
