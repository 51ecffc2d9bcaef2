/*
 * latency.c - from the call of unichat_send() to the message in a client's hands, through the
 * bridge and at the floor.
 *
 * usage: latency BRIDGE_DB FLOOR_DB PORT KEY TOKEN RATE SECONDS SLICE_MS    prints JSON
 *
 *   bridge  a WebSocket client of the bridge, which listens to BRIDGE_DB
 *   floor   a bare libpq client that listens in FLOOR_DB and does nothing else
 *
 * Both databases are of one cluster and have the same extension; a notification wakes only those
 * who listen in its own database, so neither side works while the other is measured. The two take
 * turns of SLICE_MS, so that whatever else the machine does falls on both alike. A thread sends at
 * the rate, open loop; the main thread receives for both.
 */
#include "measure.h"
#include "sender.h"
#include "ws_client.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum side { BRIDGE, FLOOR, SIDES };
static const char *const side_names[SIDES] = {"bridge", "floor"};

#define PLAYER "latency"

typedef struct bench {
    PGconn *senders[SIDES];
    PGconn *listener;
    ws_client *client;
    size_t messages;        /* in all */
    size_t slice;           /* messages of one turn */
    int64_t interval;       /* nanoseconds from message to message */
    _Atomic int64_t *sent;  /* when message n was sent */
    int64_t *latency;       /* of message n */
    atomic_size_t received; /* so many have arrived */
} bench;

static enum side side_of(const bench *b, size_t n)
{
    return n / b->slice % SIDES;
}

static void sleep_until(int64_t at)
{
    struct timespec t = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        ;
}

/* A turn begins when all of the turn before has arrived. */
static void await_turn(bench *b, size_t n)
{
    while (n % b->slice == 0 && atomic_load(&b->received) < n)
        sleep_until(now_ns() + 1000000);
}

static void *send_all(void *arg)
{
    bench *b = arg;
    int64_t due = now_ns();
    for (size_t n = 0; n < b->messages; n++) {
        await_turn(b, n);
        due = due + b->interval > now_ns() - b->interval ? due + b->interval : now_ns();
        sleep_until(due);
        atomic_store(&b->sent[n], now_ns());
        sender_send(b->senders[side_of(b, n)], PLAYER, n);
    }
    return NULL;
}

/* A text that has arrived, whole: a frame or a payload. What only opens the request is passed over.
 */
static void take(bench *b, const char *text, size_t len)
{
    const char *at = memmem(text, len, "n=0", 3);
    if (!at)
        return;
    size_t n = strtoul(at + 2, NULL, 10);
    if (n >= b->messages || b->latency[n] != 0)
        die("message %zu arrived a second time", n);
    b->latency[n] = now_ns() - atomic_load(&b->sent[n]);
    atomic_fetch_add(&b->received, 1);
}

static void on_event(void *arg, size_t conn, const char *text, size_t len)
{
    (void)conn;
    take(arg, text, len);
}

static void take_notifications(bench *b)
{
    PGnotify *note;
    if (!PQconsumeInput(b->listener))
        die("%s", PQerrorMessage(b->listener));
    while ((note = PQnotifies(b->listener))) {
        take(b, note->extra, strlen(note->extra));
        PQfreemem(note);
    }
}

static void receive_all(bench *b)
{
    struct pollfd fds[SIDES] = {{.fd = ws_client_fd(b->client), .events = POLLIN},
                                {.fd = PQsocket(b->listener), .events = POLLIN}};
    while (atomic_load(&b->received) < b->messages) {
        if (poll(fds, SIDES, 10000) == 0)
            die("%zu of %zu messages, and no more", atomic_load(&b->received), b->messages);
        if (fds[BRIDGE].revents)
            ws_client_poll(b->client, 0);
        if (fds[FLOOR].revents)
            take_notifications(b);
    }
}

static void print_samples(const bench *b, enum side side)
{
    const char *comma = "";
    printf("\"%s\":[", side_names[side]);
    for (size_t n = 0; n < b->messages; n++)
        if (side_of(b, n) == side) {
            printf("%s%.1f", comma, (double)b->latency[n] / 1000);
            comma = ",";
        }
    printf("]");
}

int main(int argc, char **argv)
{
    if (argc != 9)
        die("usage: latency BRIDGE_DB FLOOR_DB PORT KEY TOKEN RATE SECONDS SLICE_MS");
    double rate = atof(argv[6]), seconds = atof(argv[7]), slice_ms = atof(argv[8]);
    bench b = {.interval = (int64_t)(1e9 / rate)};
    b.slice = (size_t)(rate * slice_ms / 1000);
    b.slice = b.slice > 0 ? b.slice : 1;
    b.messages = (size_t)(rate * seconds) * SIDES / (b.slice * SIDES) * (b.slice * SIDES);
    b.sent = calloc(b.messages, sizeof(*b.sent));
    b.latency = calloc(b.messages, sizeof(*b.latency));

    b.senders[BRIDGE] = sender_connect(argv[1]);
    b.senders[FLOOR] = sender_connect(argv[2]);
    b.listener = PQconnectdb(argv[2]);
    PQclear(PQexec(b.listener, "SELECT unichat_listen()"));
    b.client = ws_client_open(&(ws_options){.port = atoi(argv[3]),
                                            .key = argv[4],
                                            .token = argv[5],
                                            .channel = "player-" PLAYER,
                                            .connections = 1,
                                            .opening = 1,
                                            .on_event = on_event,
                                            .arg = &b});
    /* Opens the players' requests, so that from here on each message is one event. Its number
     * begins with no 0. */
    sender_send(b.senders[BRIDGE], PLAYER, 999999999);
    sender_send(b.senders[FLOOR], PLAYER, 999999999);

    pthread_t sender;
    if (pthread_create(&sender, NULL, send_all, &b) != 0)
        die("no thread");
    receive_all(&b);
    pthread_join(sender, NULL);

    printf("{\"rate\":%g,\"messages\":%zu,", rate, b.messages / SIDES);
    print_samples(&b, BRIDGE);
    printf(",");
    print_samples(&b, FLOOR);
    printf("}\n");
    ws_client_close(b.client);
    PQfinish(b.senders[BRIDGE]);
    PQfinish(b.senders[FLOOR]);
    PQfinish(b.listener);
}
