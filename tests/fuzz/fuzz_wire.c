/* Bytes on a TCP connection, to the whole server with all its routes: libwebsockets, the reading of
 * requests and headers, paths, queries, forms, cookies, static files, the handshake, frames.
 *
 *     byte 0   1: the handshake is done, the rest are frames; 2: the connection is the staff's;
 *              4: the client closes without waiting; else bytes of an HTTP connection
 *     byte 1   how many bytes come in one piece; 0: all at once
 *     rest     the bytes; in HTTP, 0x01 and 0x02 stand for a player's and a staff member's token
 *
 * The database is away. When the client has gone, no connection and no request may be left. */
#include "../unit/app_options.h"
#include "api/api.h"
#include "api/pusher_api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/delivery.h"
#include "server/context.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAMES = 1, STAFF = 2, HANG_UP = 4 };

#define IDLE_TURNS 4   /* without an answer: the server has nothing to say any more */
#define END_TURNS 1000 /* in which it must have noticed that the client has gone */

static struct {
    uv_loop_t loop;
    api api;
    server *server;
    int port;
    char *tokens[2];
} world;

static config_app app = {
    .name = "", .id = "k", .key = "k", .secret = "k", .origins = "*", .webhook_url = ""};

static const config conf = {.apps = &app,
                            .app_count = 1,
                            .database = "host=/nonexistent",
                            .schema = "",
                            .pool_size = 1,
                            .pool_queue = 1000,
                            .pool_pipeline = 1,
                            .connect_timeout = 1000,
                            .statement_timeout = 1000,
                            .reconnect_max = 300000,
                            .audit_interval = 3600000,
                            .probe_interval = 3600000,
                            .probe_timeout = 3600000,
                            .jwt_algorithm = "HS256",
                            .jwt_secret = "0123456789abcdef0123456789abcdef",
                            .jwt_key_file = "",
                            .jwt_keys = "",
                            .jwt_issuer = "",
                            .jwt_audience = "",
                            .demo_password = "open sesame",
                            .demo_session = 1000,
                            .cookie_secure = "auto",
                            .path_prefix = ""};

static caller *identify(void *arg, const char *peer, const char *token, int64_t *expires_at,
                        bool *too_many)
{
    const char *why;

    (void)arg;
    (void)peer;
    (void)too_many;
    *expires_at = 0;
    return token_verify(&world.api.verifier, token, clock_unix_seconds(), &why);
}

static void release(void *arg, caller *who)
{
    (void)arg;
    caller_free(who);
}

static void ignore_event(void *arg, const db_event *event)
{
    (void)arg;
    (void)event;
}

static void ignore(void *arg)
{
    (void)arg;
}

static void ignore_position(void *arg, const char *epoch, const snapshot *s)
{
    (void)arg;
    (void)epoch;
    (void)s;
}

static void ignore_text(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static void begin_identity(void)
{
    buf why = {0};

    world.api.verifier = (verifier){&conf, key_set_load(&conf, &why), revocations_new()};
    for (unsigned i = 0; i < 2; i++) {
        int64_t now = clock_unix_seconds();
        caller *who =
            caller_new(i ? CALLER_STAFF : CALLER_PLAYER, i ? "grace" : "42", "N", now + 1000000);

        world.tokens[i] = token_mint(&world.api.verifier, who, now);
        caller_free(who);
    }
}

static void begin_hub(void)
{
    hub_app_options options = app_options();

    world.api.hub = hub_new();
    options.client_events = options.subscription_count = options.watchlist = true;
    world.api.app = hub_app_add(world.api.hub, &options);
    delivery_start(world.api.app);
}

static void begin_server(void)
{
    const server_options options = {
        .loop = &world.loop,
        .hub = world.api.hub,
        .path_prefix = "",
        .max_body = 4096,
        .max_bodies = 65536,
        .max_frame = 4096,
        .max_queue = 1 << 20,
        .max_queue_ms = 15000,
        .activity_timeout = 120,
        .pong_ms = 30000,
        .guard_wait_ms = 5000,
        .drain_ms = 5000,
        .request_ms = 20000,
        .keepalive_ms = 60000,
        .trust_forwarded = true,
        .identify = identify,
        .release = release,
    };

    world.server = server_new(&options);
    assert(world.server);
    chat_api_routes(&world.api, world.server);
    session_api_routes(&world.api, world.server);
    pusher_auth_api_routes(&world.api, world.server);
    pusher_api_add(world.server, world.api.hub, "");
    ops_api_routes(&world.api, world.server);
    http_static(world.server, "/player/", "tests/fuzz/seeds");
    world.port = server_listen(world.server, "127.0.0.1", 0, NULL, NULL);
    assert(world.port > 0);
}

static void begin_world(void)
{
    static const listener_events events = {.event = ignore_event,
                                           .resync = ignore_text,
                                           .skipped = ignore_text,
                                           .position = ignore_position,
                                           .publication = ignore_text,
                                           .revoked = ignore_text,
                                           .revoked_all = ignore,
                                           .identity = ignore_text};

    log_set_level(LOG_LEVEL_ERROR);
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&world.loop);
    world.api.conf = &conf;
    begin_identity();
    begin_hub();
    world.api.pool = db_pool_new(&world.loop, &conf);
    world.api.listener = listener_new(&world.loop, &conf, world.api.pool, &events, NULL);
    begin_server();
}

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)world.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct linger reset = {.l_onoff = 1}; /* no thousands of ports in TIME_WAIT */
    static uint16_t dialled;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    from.sin_addr.s_addr = htonl(0x7f010001u + dialled++); /* ports enough for all */
    assert(fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
    assert(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Takes what the server says until it says nothing more. False when it has closed. */
static bool listen_to(int fd)
{
    char answer[65536];

    for (unsigned idle = 0; idle < IDLE_TURNS; idle++) {
        ssize_t n;

        uv_run(&world.loop, UV_RUN_NOWAIT);
        n = recv(fd, answer, sizeof(answer), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return false;
        if (n > 0)
            idle = 0;
    }
    return true;
}

static void say(int fd, const char *bytes, size_t len, size_t piece)
{
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;

        if (send(fd, bytes + at, n, 0) < 0)
            return;
        uv_run(&world.loop, UV_RUN_NOWAIT);
    }
}

static void shake_hands(int fd, bool staff)
{
    char *request = mem_printf("GET /app/k?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                               "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                               "Authorization: Bearer %s\r\n\r\n",
                               world.tokens[staff]);

    say(fd, request, strlen(request), strlen(request));
    free(request);
    listen_to(fd);
}

/* With the tokens in the place of their marks. */
static void write_out(buf *out, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] == 1 || data[i] == 2)
            buf_puts(out, world.tokens[data[i] - 1]);
        else
            buf_putc(out, (char)data[i]);
}

static void hang_up(int fd)
{
    close(fd);
    for (unsigned turn = 0; world.server->n_conns || world.server->requests; turn++) {
        assert(turn < END_TURNS);
        uv_run(&world.loop, UV_RUN_NOWAIT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    buf bytes = {0};
    hub_stats stats;
    int fd;

    if (!world.server)
        begin_world();
    if (size < 3)
        return -1;
    fd = dial();
    if (data[0] & FRAMES) {
        shake_hands(fd, data[0] & STAFF);
        buf_append(&bytes, (const char *)data + 2, size - 2);
    } else {
        write_out(&bytes, data + 2, size - 2);
    }
    say(fd, bytes.data, bytes.len, data[1] ? data[1] : bytes.len);
    if (!(data[0] & HANG_UP) && listen_to(fd)) {
        shutdown(fd, SHUT_WR);
        listen_to(fd);
    }
    hang_up(fd);
    hub_get_stats(world.api.hub, &stats);
    assert(stats.connections == 0 && stats.subscriptions == 0);
    buf_free(&bytes);
    return 0;
}
