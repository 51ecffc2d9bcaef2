/* main.c - unichat-bridge: options, start, signals, end.
 *
 *     SIGHUP            read the configuration again, with keys and certificate; whatever is wrong
 *                       leaves everything as it was
 *     SIGTERM, SIGINT   drain: no new connections, clients are told to reconnect one after the
 *                       other, pushes under way are finished, exit 0
 *     the second one    exit now
 *
 * Everything runs on one loop. What ends, ends in the reverse order of the start: each step begins
 * when the one before has said that it is done.
 */
#include "api/api.h"
#include "api/pusher_api.h"
#include "api/throttle.h"
#include "api/webhooks.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/process.h"
#include "config/command_line.h"
#include "delivery/delivery.h"
#include "delivery/identity_notice.h"
#include "delivery/publication.h"
#include "delivery/resume.h"
#include "delivery/resume_answer.h"
#include "identity/token_command.h"
#include "push/push_queue.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUSH_GRACE_MS 3000

typedef struct bridge {
    uv_loop_t loop;
    config *conf;
    key_set *keys;
    revocations *revoked;
    bool revoked_more; /* than the connections were looked at for */
    api api;
    server *server;
    push_queue *push;
    webhooks *webhooks;
    publication publication;
    resumes *resumes;
    uv_signal_t signals[3];
} bridge;

/* ---- settings to options ---- */

static void to_app_limits(const config_app *from, hub_app_options *to)
{
    to->authorization_ms = (unsigned)from->authorization_time;
    to->max_connections = (unsigned)from->max_connections;
    to->max_client_events_per_sec = (unsigned)from->max_client_events;
    to->max_event_bytes = (unsigned)from->max_event;
    to->max_event_name = (unsigned)from->max_event_name;
    to->max_channel_name = (unsigned)from->max_channel_name;
    to->max_channels_per_conn = (unsigned)from->max_channels;
    to->max_presence_members = (unsigned)from->max_members;
    to->max_presence_user_bytes = (unsigned)from->max_member_info;
    to->max_watchlist = (unsigned)from->max_watchlist;
    to->max_publish_channels = (unsigned)from->max_publish_channels;
    to->max_batch = (unsigned)from->max_batch;
    to->cache_ms = (uint64_t)from->cache_time;
}

static void to_app_options(const config_app *from, hub_app_options *to)
{
    *to = (hub_app_options){0};
    to->id = from->id;
    to->key = from->key;
    to->secret = from->secret;
    to->allowed_origins = from->origins;
    to->webhook_url = *from->webhook_url == '\0' ? NULL : from->webhook_url;
    to->client_events = from->client_events;
    to->subscription_count = from->subscription_count;
    to->watchlist = from->watchlist;
    to->require_authorization = from->require_authorization;
    to_app_limits(from, to);
}

static caller *identify(void *arg, const char *peer, const char *token, int64_t *expires_at,
                        bool *too_many)
{
    const bridge *b = arg;
    const char *why;
    caller *who = token_verify(&b->api.verifier, token, clock_unix_seconds(), &why);
    if (who) {
        *expires_at = token_end(&b->api.verifier, who);
        return who;
    }
    *too_many = throttle_failed_handshake(&b->api, peer) > 0;
    log_info("event=token_refused peer=%s path=/app reason=%s", peer, LOG_Q(why));
    return NULL;
}

static void release(void *arg, caller *who)
{
    (void)arg;
    caller_free(who);
}

/* Descriptors that are kept for all but clients: of each connection to the database, libpq's and
 * the one that is watched (pg_conn.c); of each push and webhook, its socket and what wakes libcurl
 * when the name is there; and the loop, ports, log and the portals' files. */
static unsigned own_files(const config *c)
{
    return (unsigned)(100 + 2 * (1 + c->pool_size) +
                      3 * (c->push_concurrency + WEBHOOKS_AT_ONCE * (int64_t)c->app_count));
}

static void to_server_options(bridge *b, server_options *to)
{
    const config *c = b->conf;
    *to = (server_options){0};
    to->loop = &b->loop;
    to->hub = b->api.hub;
    to->path_prefix = c->path_prefix;
    to->allowed_origins = *c->allowed_origins == '\0' ? NULL : c->allowed_origins;
    to->max_body = (size_t)c->max_body;
    to->max_bodies = (size_t)c->max_bodies;
    to->max_frame = (size_t)c->max_frame;
    to->max_queue = (size_t)c->max_queue;
    to->max_queue_ms = (unsigned)c->max_queue_time;
    to->activity_timeout = (unsigned)(c->activity_timeout / 1000);
    to->pong_ms = (unsigned)c->pong_timeout;
    to->guard_wait_ms = (unsigned)c->sign_in_wait;
    to->drain_ms = (unsigned)c->drain_time;
    to->max_sockets = (unsigned)c->max_sockets;
    to->own_files = own_files(c);
    to->max_address_sockets = (unsigned)c->max_address_sockets;
    to->max_identity_sockets = (unsigned)c->max_identity_sockets;
    to->max_identity_messages = (unsigned)c->identity_messages;
    to->request_ms = (unsigned)c->request_time;
    to->keepalive_ms = (unsigned)c->keepalive_time;
    to->trust_forwarded = c->trust_forwarded;
    to->identify = identify;
    to->release = release;
    to->identify_arg = b;
}

/* ---- start ---- */

static void on_event(void *arg, const db_event *event)
{
    bridge *b = arg;
    delivery_publish(b->api.app, event);
    if (b->push && strcmp(event->kind, "request_created") == 0)
        push_queue_wake(b->push);
}

static void on_resync(void *arg, const char *reason)
{
    bridge *b = arg;
    resume_resync_all(b->resumes, reason);
}

static void on_skipped(void *arg, const char *player_id)
{
    bridge *b = arg;
    resume_answer_concerned(b->api.app, player_id, "too_old");
}

static void on_position(void *arg, const char *epoch, const snapshot *s)
{
    bridge *b = arg;
    delivery_set_position(epoch, s);
    resume_position(b->resumes, s);
}

static void on_publication(void *arg, const char *payload)
{
    bridge *b = arg;
    publication_take(&b->publication, b->api.app, payload);
}

static void on_revoked(void *arg, const char *revocation)
{
    bridge *b = arg;
    b->revoked_more |= identity_take_revocation(b->revoked, revocation);
}

static void on_revoked_all(void *arg)
{
    bridge *b = arg;
    if (b->revoked_more)
        identity_review(b->api.hub, &b->api.verifier);
    b->revoked_more = false;
}

static void on_identity(void *arg, const char *payload)
{
    bridge *b = arg;
    identity_take_vouch(b->api.hub, &b->api.verifier, payload);
}

static bool start_apps(bridge *b)
{
    b->api.hub = hub_new();
    for (size_t i = 0; i < b->conf->app_count; i++) {
        hub_app_options options;
        to_app_options(&b->conf->apps[i], &options);
        hub_app *app = hub_app_add(b->api.hub, &options);
        if (!app)
            return false;
        if (i == 0)
            b->api.app = app;
    }
    delivery_start(b->api.app);
    return true;
}

static void start_database(bridge *b)
{
    static const listener_events events = {.event = on_event,
                                           .resync = on_resync,
                                           .skipped = on_skipped,
                                           .position = on_position,
                                           .publication = on_publication,
                                           .revoked = on_revoked,
                                           .revoked_all = on_revoked_all,
                                           .identity = on_identity};
    b->api.pool = db_pool_new(&b->loop, b->conf);
    b->api.listener = listener_new(&b->loop, b->conf, b->api.pool, &events, b);
    b->resumes = resume_start(&b->loop, b->conf, b->api.pool, b->api.app);
    b->push = push_queue_start(&b->loop, b->conf, b->api.pool);
}

static void add_portal(bridge *b, const char *prefix, const char *name)
{
    char *folder = mem_printf("%s/%s/", b->conf->web_root, name);
    if (access(folder, R_OK) == 0)
        http_static(b->server, prefix, folder);
    else
        log_warning("event=portal_missing folder=%s", LOG_Q(folder));
    free(folder);
}

static void add_routes(bridge *b)
{
    chat_api_routes(&b->api, b->server);
    session_api_routes(&b->api, b->server);
    pusher_auth_api_routes(&b->api, b->server);
    pusher_api_add(b->server, b->api.hub, b->conf->path_prefix);
    ops_api_routes(&b->api, b->server);
    if (*b->conf->web_root == '\0')
        return;
    add_portal(b, "/player/", "player");
    add_portal(b, "/staff/", "staff");
    add_portal(b, "/shared/", "shared");
    add_portal(b, "/vendor/", "vendor");
    add_portal(b, "/", "home");
}

/* One port, with TLS or without; or listen_port without and tls_port with. */
static bool start_listening(server *srv, const config *c)
{
    const char *host = strcmp(c->listen_address, "*") == 0 ? "" : c->listen_address;
    const char *cert = *c->tls_cert == '\0' ? NULL : c->tls_cert;
    const char *key = *c->tls_key == '\0' ? NULL : c->tls_key;
    if (c->tls_port == 0 || !cert)
        return server_listen(srv, host, (int)c->listen_port, cert, key) >= 0;
    return server_listen(srv, host, (int)c->listen_port, NULL, NULL) >= 0 &&
           server_listen(srv, host, (int)c->tls_port, cert, key) >= 0;
}

static bool start_server(bridge *b)
{
    server_options options;
    to_server_options(b, &options);
    b->server = server_new(&options);
    if (!b->server)
        return false;
    add_routes(b);
    b->webhooks = webhooks_start(&b->loop, b->api.hub);
    return b->webhooks && start_listening(b->server, b->conf);
}

static void warn_about_demo(const config *c)
{
    if (*c->demo_password != '\0')
        log_warning("event=demo_mode hint=%s",
                    LOG_Q("demo_password is set: whoever knows it signs in as anybody"));
}

static double read_revocations(void *arg)
{
    return (double)revocations_count(arg);
}

static bool start_identity(bridge *b)
{
    buf why = {0};
    b->api.conf = b->conf;
    b->keys = key_set_load(b->conf, &why);
    b->revoked = revocations_new();
    metric_gauge_read("unichat_revocations", NULL, "Identities whose earlier tokens are refused.",
                      read_revocations, b->revoked);
    b->api.verifier = (verifier){b->conf, b->keys, b->revoked};
    if (!b->keys)
        log_error("event=jwt_keys reason=%s", LOG_Q(why.data));
    buf_free(&why);
    return b->keys != NULL;
}

/* ---- reload ---- */

static void log_problems(buf *problems)
{
    if (problems->len == 0)
        return;
    for (char *line = strtok(problems->data, "\n"); line; line = strtok(NULL, "\n"))
        log_error("event=configuration problem=%s", LOG_Q(line));
}

static void apply_log_level(const config *c)
{
    log_level level;
    if (log_level_parse(c->log_level, &level))
        log_set_level(level);
}

static key_set *load_keys(const config *c)
{
    buf why = {0};
    key_set *keys = key_set_load(c, &why);
    if (!keys)
        log_error("event=jwt_keys reason=%s hint=%s", LOG_Q(why.data),
                  LOG_Q("the old keys are kept"));
    buf_free(&why);
    return keys;
}

/* Whatever else can be wrong. The certificate comes last, as it is taken where it can be. */
static bool accept_settings(void *arg)
{
    bridge *b = arg;
    key_set *fresh = load_keys(b->conf);
    if (!fresh || !push_queue_check(b->conf) ||
        !server_reload_tls(b->server, b->conf->tls_cert, b->conf->tls_key)) {
        key_set_free(fresh);
        return false;
    }
    key_set_free(b->keys);
    b->keys = fresh;
    b->api.verifier.keys = fresh;
    return true;
}

/* Connections that live by a key which is gone are closed. */
static void reload(bridge *b)
{
    buf problems = {0};
    if (config_reload(b->conf, accept_settings, b, &problems)) {
        apply_log_level(b->conf);
        identity_review(b->api.hub, &b->api.verifier);
        if (b->push)
            push_queue_reload(b->push);
        warn_about_demo(b->conf);
        log_info("event=reloaded");
    } else {
        log_problems(&problems);
        log_error("event=reload_failed hint=%s", LOG_Q("everything stays as it was"));
    }
    buf_free(&problems);
}

/* ---- end ---- */

static void on_server_stopped(void *arg)
{
    bridge *b = arg;
    resume_stop(b->resumes);
    log_info("event=stopped");
}

static void on_pool_closed(void *arg)
{
    bridge *b = arg;
    webhooks_stop(b->webhooks);
    for (size_t i = 0; i < sizeof(b->signals) / sizeof(b->signals[0]); i++)
        uv_close((uv_handle_t *)&b->signals[i], NULL);
    server_stop(b->server, on_server_stopped, b);
}

static void on_listener_closed(void *arg)
{
    bridge *b = arg;
    db_pool_close(b->api.pool, on_pool_closed, b);
}

static void on_push_stopped(void *arg)
{
    bridge *b = arg;
    b->push = NULL;
    listener_close(b->api.listener, on_listener_closed, b);
}

static void on_drained(void *arg)
{
    bridge *b = arg;
    if (b->push)
        push_queue_stop(b->push, PUSH_GRACE_MS, on_push_stopped, b);
    else
        on_push_stopped(b);
}

static void stop(bridge *b, int signal_number)
{
    if (b->api.draining) {
        log_warning("event=exit_now signal=%d", signal_number);
        _exit(0);
    }
    log_info("event=draining signal=%d ms=%lld", signal_number, (long long)b->conf->drain_time);
    process_notify("STOPPING=1");
    b->api.draining = true;
    server_drain(b->server, on_drained, b);
}

static void on_signal(uv_signal_t *handle, int signal_number)
{
    bridge *b = handle->data;
    if (signal_number == SIGHUP)
        reload(b);
    else
        stop(b, signal_number);
}

static void catch_signals(bridge *b)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_init(&b->loop, &b->signals[i]);
        b->signals[i].data = b;
        uv_signal_start(&b->signals[i], on_signal, numbers[i]);
    }
}

/* ---- commands ---- */

static int run(config *conf)
{
    bridge b = {.conf = conf};
    apply_log_level(conf);
    log_info("event=starting version=%s pid=%d", UNICHAT_VERSION, (int)getpid());
    process_raise_open_files();
    uv_loop_init(&b.loop);
    catch_signals(&b);
    if (!start_identity(&b) || !start_apps(&b) || !start_server(&b))
        return 1;
    start_database(&b);
    warn_about_demo(conf);
    process_notify("READY=1");
    uv_run(&b.loop, UV_RUN_DEFAULT);
    server_free(b.server);
    publication_clear(&b.publication);
    hub_free(b.api.hub);
    key_set_free(b.keys);
    revocations_free(b.revoked);
    int busy = uv_loop_close(&b.loop);
    if (busy != 0)
        log_error("event=loop_busy reason=%s", uv_strerror(busy));
    return 0;
}

/* What config_load() has not seen: whether the keys and the target of pushes can be used. */
static int check_config(const config *conf)
{
    buf why = {0};
    key_set *keys = key_set_load(conf, &why);
    if (!keys)
        fprintf(stderr, "%s\n", why.data);
    int code = !keys || !push_queue_check(conf) || puts("the configuration is fine") < 0;
    key_set_free(keys);
    buf_free(&why);
    return code;
}

static int with_config(const command_line *line)
{
    buf problems = {0};
    config *conf = config_load(line->config_path, &problems);
    int code = 1;
    if (!conf)
        fputs(problems.data, stderr);
    else if (line->command == COMMAND_CHECK_CONFIG)
        code = check_config(conf);
    else if (line->command == COMMAND_TOKEN)
        code = token_command(conf, line);
    else
        code = run(conf);
    buf_free(&problems);
    config_free(conf);
    return code;
}

int main(int argc, char **argv)
{
    command_line line;
    setlocale(LC_CTYPE, "C.UTF-8");
    command_line_parse(&line, argc, argv);
    switch (line.command) {
    case COMMAND_HELP:
        command_line_help();
        return 0;
    case COMMAND_VERSION:
        puts("unichat-bridge " UNICHAT_VERSION);
        return 0;
    case COMMAND_PRINT_DOC:
        config_write_doc(stdout);
        return 0;
    case COMMAND_PRINT_EXAMPLE:
        config_write_example(stdout);
        return 0;
    case COMMAND_WRONG:
        return 2;
    default:
        return with_config(&line);
    }
}
