/*
 * ws_client.c - see ws_client.h.
 *
 *     HANDSHAKE -> GREETING -> SUBSCRIBING -> READY
 *          101 …   connection_  subscription_
 *                  established  succeeded
 *
 * One epoll set, level-triggered, one receive buffer for all. A frame that has come in part is kept
 * with its connection until the rest is there. Source addresses rotate over 127.0.0.1 … so that
 * there are ports for any number of connections.
 */
#include "ws_client.h"
#include "measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES (256 * 1024)
#define EVENTS_AT_ONCE 512
#define CONNECTIONS_PER_ADDRESS 2000 /* the kernel searches long for a port when many are taken */

enum state { HANDSHAKE, GREETING, SUBSCRIBING, READY };

typedef struct connection {
    int fd;
    enum state state;
    char *partial; /* the begin of a frame whose rest has not come yet */
    size_t partial_len;
} connection;

struct ws_client {
    ws_options options;
    int epoll;
    size_t started, ready;
    connection *conns;
    char *buffer;
    char handshake[2048];
    size_t handshake_len;
};

/* What the bench sends is small and follows an answer, so the socket always takes it whole. */
static void send_all(connection *conn, const char *data, size_t len)
{
    if (send(conn->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
        die("send: %s", strerror(errno));
}

/* A connection from the i-th block's own source address; to this machine itself connect() does not
 * have to wait. */
static int connect_from(size_t i, int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
    if (fd < 0)
        die("socket: %s", strerror(errno));
    from.sin_addr.s_addr = htonl((uint32_t)(INADDR_LOOPBACK + i / CONNECTIONS_PER_ADDRESS));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)port);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        die("bind: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect: %s", strerror(errno));
    return fd;
}

/* The request of the handshake; the same for all. */
static void prepare_handshake(ws_client *client)
{
    const ws_options *o = &client->options;
    client->handshake_len = (size_t)snprintf(
        client->handshake, sizeof(client->handshake),
        "GET /app/%s?protocol=7&client=bench&version=1 HTTP/1.1\r\n"
        "Host: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
        o->key, o->port, o->token ? "Authorization: Bearer " : "", o->token ? o->token : "",
        o->token ? "\r\n" : "");
    if (client->handshake_len >= sizeof(client->handshake))
        die("the token is too long");
}

static void start(ws_client *client, size_t i)
{
    connection *conn = &client->conns[i];
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
    conn->fd = connect_from(i, client->options.port);
    send_all(conn, client->handshake, client->handshake_len);
    if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0)
        die("epoll_ctl: %s", strerror(errno));
}

/* A client's frames are masked; a mask of zeros is one. */
static void send_text(connection *conn, const char *text, size_t len)
{
    char frame[512] = {(char)0x81, (char)(0x80 | len)};
    if (len > 125)
        die("the channel's name is too long");
    memcpy(frame + 6, text, len);
    send_all(conn, frame, len + 6);
}

static void subscribe(ws_client *client, size_t i)
{
    const char *channel = client->options.channel;
    size_t stem = strcspn(channel, "#");
    char number[24] = "", text[256];
    if (channel[stem] == '#')
        snprintf(number, sizeof(number), "%zu", i);
    int len = snprintf(text, sizeof(text),
                       "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%.*s%s\"}}",
                       (int)stem, channel, number);
    send_text(&client->conns[i], text, (size_t)len);
    client->conns[i].state = SUBSCRIBING;
}

static bool contains(const char *text, size_t len, const char *word)
{
    return memmem(text, len, word, strlen(word)) != NULL;
}

static void take_text(ws_client *client, size_t i, const char *text, size_t len)
{
    static const char pong[] = "{\"event\":\"pusher:pong\",\"data\":{}}";
    connection *conn = &client->conns[i];
    if (conn->state == READY && !contains(text, len < 40 ? len : 40, "\"pusher"))
        client->options.on_event(client->options.arg, i, text, len);
    else if (conn->state == GREETING && contains(text, len, "connection_established"))
        subscribe(client, i);
    else if (conn->state == SUBSCRIBING && contains(text, len, "subscription_succeeded")) {
        conn->state = READY;
        client->ready++;
    } else if (contains(text, len, "pusher:ping"))
        send_text(conn, pong, sizeof(pong) - 1);
    else if (!contains(text, len, "pusher:pong"))
        die("connection %zu: the server says %.*s", i, (int)len, text);
}

static void take_frame(ws_client *client, size_t i, unsigned opcode, const char *data, size_t len)
{
    if (opcode == 1)
        take_text(client, i, data, len);
    else if (opcode == 8)
        die("connection %zu: closed by the server (%d)", i,
            len >= 2 ? (unsigned char)data[0] << 8 | (unsigned char)data[1] : 0);
    else if (opcode == 9)
        send_all(&client->conns[i], "\x8a\x80\0\0\0", 6);
    else if (opcode != 10)
        die("connection %zu: a frame of opcode %u", i, opcode);
}

/* The header's own length and the payload's in *payload; 0 if the header is not there in full. */
static size_t frame_header(const unsigned char *p, size_t len, size_t *payload)
{
    size_t head = len < 2 ? SIZE_MAX : (p[1] & 0x7f) == 126 ? 4 : (p[1] & 0x7f) == 127 ? 10 : 2;
    if (len < head)
        return 0;
    *payload = head == 2 ? p[1] & 0x7fu : 0;
    for (size_t k = 2; k < head; k++)
        *payload = *payload << 8 | p[k];
    return head;
}

/* Takes all whole frames and returns how many bytes they were. */
static size_t take_frames(ws_client *client, size_t i, const char *data, size_t len)
{
    size_t at = 0, payload = 0, head;
    while ((head = frame_header((const unsigned char *)data + at, len - at, &payload)) != 0) {
        if (len - at < head + payload)
            break;
        take_frame(client, i, (unsigned)data[at] & 0x0f, data + at + head, payload);
        at += head + payload;
    }
    return at;
}

/* The answer to the handshake; returns its length, 0 if it is not there in full. */
static size_t take_handshake(connection *conn, const char *data, size_t len)
{
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    if (!end)
        return 0;
    if (len < 12 || memcmp(data, "HTTP/1.1 101", 12) != 0)
        die("the server refuses the handshake: %.*s", (int)strcspn(data, "\r"), data);
    conn->state = GREETING;
    return (size_t)(end + 4 - data);
}

static void keep_partial(connection *conn, const char *data, size_t len)
{
    char *copy = len > 0 ? malloc(len) : NULL;
    if (len > 0)
        memcpy(copy, data, len);
    free(conn->partial);
    conn->partial = copy;
    conn->partial_len = len;
}

static void receive(ws_client *client, size_t i)
{
    connection *conn = &client->conns[i];
    size_t had = conn->partial_len, taken = 0;
    if (had > 0)
        memcpy(client->buffer, conn->partial, had);
    ssize_t got = recv(conn->fd, client->buffer + had, RECEIVE_BYTES - had, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        die("connection %zu: %s", i, got == 0 ? "ended by the server" : strerror(errno));
    size_t len = had + (size_t)got;
    if (conn->state == HANDSHAKE)
        taken = take_handshake(conn, client->buffer, len);
    if (conn->state != HANDSHAKE)
        taken += take_frames(client, i, client->buffer + taken, len - taken);
    if (taken < len || had > 0)
        keep_partial(conn, client->buffer + taken, len - taken);
}

void ws_client_poll(ws_client *client, int timeout_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(client->epoll, events, EVENTS_AT_ONCE, timeout_ms);
    for (int k = 0; k < count; k++)
        receive(client, events[k].data.u64);
}

ws_client *ws_client_open(const ws_options *options)
{
    ws_client *client = calloc(1, sizeof(*client));
    client->options = *options;
    client->epoll = epoll_create1(EPOLL_CLOEXEC);
    client->conns = calloc(options->connections, sizeof(*client->conns));
    client->buffer = malloc(RECEIVE_BYTES);
    prepare_handshake(client);
    while (client->ready < options->connections) {
        while (client->started < options->connections &&
               client->started - client->ready < options->opening)
            start(client, client->started++);
        ws_client_poll(client, -1);
    }
    return client;
}

int ws_client_fd(const ws_client *client)
{
    return client->epoll;
}

void ws_client_close(ws_client *client)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    for (size_t i = 0; i < client->started; i++) {
        setsockopt(client->conns[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(client->conns[i].fd);
        free(client->conns[i].partial);
    }
    close(client->epoll);
    free(client->conns);
    free(client->buffer);
    free(client);
}
