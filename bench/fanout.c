/*
 * fanout.c - what a delivery costs the server: the bridge beside rawcast, round by round.
 *
 * usage: fanout SUBSCRIBERS CHANNEL MESSAGES WINDOW ROUNDS  (DB PORT PID KEY TOKEN)...    prints
 * JSON
 *
 * CHANNEL: staff-portal, where every subscriber gets every message; or player-fan#, where each has
 * a channel of its own and the messages go round. WINDOW: so many messages are under way; a message
 * is there when its last subscriber has it. In every round, each side in turn sends MESSAGES; all
 * stay connected, and only the one whose database is written to works.
 */
#include "measure.h"
#include "sender.h"
#include "ws_client.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIDES 2
#define SIDE_ARGS 5
#define FIRST_SIDE 6
#define SILENCE_NS 1000000000

typedef struct side {
    PGconn *db;
    ws_client *client;
    pid_t server;
    size_t subscribers;
    bool shared; /* one channel for all */
    bool running;
    int64_t heard_at; /* when the last event came */
    size_t messages, window;
    /* of the round */
    size_t sent, done, deliveries, bytes;
    size_t *taken;   /* shared: how many frames connection i has */
    size_t *reached; /* shared: how many connections have n frames */
    int64_t *sent_at;
    double *to_last; /* ms from the call to the last subscriber, of message n */
} side;

static void finish_message(side *s, size_t n)
{
    s->to_last[n] = (double)(now_ns() - s->sent_at[n]) / 1e6;
    s->done++;
}

/* Frames come in order, so a connection's n-th frame is message n. */
static void on_event(void *arg, size_t conn, const char *text, size_t len)
{
    side *s = arg;
    (void)text;
    s->heard_at = now_ns();
    if (!s->running)
        return;
    s->deliveries++;
    s->bytes += len;
    if (s->deliveries > s->messages * (s->shared ? s->subscribers : 1))
        die("more deliveries than there should be");
    if (!s->shared)
        finish_message(s, s->deliveries - 1);
    else if (++s->reached[s->taken[conn]++] == s->subscribers)
        finish_message(s, s->taken[conn] - 1);
}

static void send_next(side *s)
{
    char player[64];
    snprintf(player, sizeof(player), "fan%zu", s->shared ? 0 : s->sent % s->subscribers);
    s->sent_at[s->sent] = now_ns();
    sender_queue(s->db, player, s->sent++);
}

static void reset(side *s)
{
    s->sent = s->done = s->deliveries = s->bytes = 0;
    memset(s->taken, 0, s->subscribers * sizeof(*s->taken));
    memset(s->reached, 0, s->messages * sizeof(*s->reached));
}

/* What opening the requests has set off may still be on its way. */
static void await_silence(side *s)
{
    s->heard_at = now_ns();
    while (now_ns() - s->heard_at < SILENCE_NS)
        ws_client_poll(s->client, 50);
}

static void exchange(side *s)
{
    struct pollfd fds[] = {{.fd = ws_client_fd(s->client), .events = POLLIN},
                           {.fd = PQsocket(s->db), .events = POLLIN}};
    size_t ended = 0;
    sender_begin(s->db);
    while (s->done < s->messages || ended < s->messages) {
        while (s->sent < s->messages && s->sent - s->done < s->window)
            send_next(s);
        if (poll(fds, 2, 10000) == 0)
            die("%zu deliveries of %zu messages, and no more", s->deliveries, s->sent);
        if (fds[0].revents)
            ws_client_poll(s->client, 0);
        if (fds[1].revents)
            ended += sender_drain(s->db);
    }
    sender_end(s->db);
}

static void run_round(side *s, const char *comma)
{
    reset(s);
    int64_t cpu = process_cpu_ns(s->server), start = now_ns();
    s->running = true;
    exchange(s);
    s->running = false;
    double seconds = (double)(now_ns() - start) / 1e9;
    double cpu_seconds = (double)(process_cpu_ns(s->server) - cpu) / 1e9;
    printf("%s{\"deliveries\":%zu,\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"frame_bytes\":%zu,"
           "\"to_last_p50_ms\":%.4f,\"to_last_p99_ms\":%.4f}",
           comma, s->deliveries, seconds, cpu_seconds, s->bytes / s->deliveries,
           percentile(s->to_last, s->messages, 0.5), percentile(s->to_last, s->messages, 0.99));
}

/* Every player has an open request before anybody listens, so that each message is one event. */
static void open_requests(side *s)
{
    char sql[160];
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM generate_series(0, %zu) i, unichat_send('fan' || i, 'first')",
             s->shared ? 0 : s->subscribers - 1);
    PGresult *result = PQexec(s->db, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        die("%s", PQerrorMessage(s->db));
    PQclear(result);
}

static void open_side(side *s, char **argv, char **args)
{
    s->subscribers = strtoul(argv[1], NULL, 10);
    s->shared = !strchr(argv[2], '#');
    s->messages = strtoul(argv[3], NULL, 10);
    s->window = strtoul(argv[4], NULL, 10);
    s->taken = calloc(s->subscribers, sizeof(*s->taken));
    s->reached = calloc(s->messages, sizeof(*s->reached));
    s->sent_at = calloc(s->messages, sizeof(*s->sent_at));
    s->to_last = calloc(s->messages, sizeof(*s->to_last));
    s->db = sender_connect(args[0]);
    s->server = atoi(args[2]);
    open_requests(s);
    s->client = ws_client_open(&(ws_options){.port = atoi(args[1]),
                                             .key = args[3],
                                             .token = args[4],
                                             .channel = argv[2],
                                             .connections = s->subscribers,
                                             .opening = 128,
                                             .on_event = on_event,
                                             .arg = s});
    await_silence(s);
}

int main(int argc, char **argv)
{
    static side sides[MAX_SIDES];
    int count = (argc - FIRST_SIDE) / SIDE_ARGS;
    if (argc < FIRST_SIDE + SIDE_ARGS || count > MAX_SIDES)
        die("usage: fanout SUBSCRIBERS CHANNEL MESSAGES WINDOW ROUNDS (DB PORT PID KEY TOKEN)...");
    raise_fd_limit();
    for (int i = 0; i < count; i++)
        open_side(&sides[i], argv, argv + FIRST_SIDE + i * SIDE_ARGS);
    printf("[");
    for (int round = 0; round < atoi(argv[5]); round++)
        for (int i = 0; i < count; i++) {
            printf(i == 0 ? (round == 0 ? "[" : ",[") : "");
            run_round(&sides[i], i == 0 ? "" : ",");
            printf(i == count - 1 ? "]" : "");
        }
    printf("]\n");
}
