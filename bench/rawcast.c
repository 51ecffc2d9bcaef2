/*
 * rawcast.c - the baseline of bench/fanout: the least that a server can do to bring a notification
 * to WebSocket clients.
 *
 * usage: rawcast CONNINFO BYTES     listens on a free port of 127.0.0.1 and prints its number
 *
 * It answers the handshake and the subscription, so that the same clients connect to it as to the
 * bridge. For each notification on the channel `unichat` it makes one frame, which is the payload
 * as it came, cut or filled up with blanks to BYTES (what the bridge's frames have), and then does
 * nothing but send(): to all subscribers of staff-portal, and of the player's own channel. No JSON,
 * no queue, no limits, no ping, no second write: a client that cannot take a frame at once is the
 * end.
 */
#include "measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uthash.h>

#define EVENTS_AT_ONCE 512
#define REQUEST_BYTES 4096
#define FRAME_LIMIT 8192
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

typedef struct channel {
    char name[160];
    int *fds;
    size_t count, room;
    UT_hash_handle hh;
} channel;

static channel *channels;
static char frame[FRAME_LIMIT];
static size_t frame_len;

static channel *find_channel(const char *name, size_t len)
{
    channel *found;
    HASH_FIND(hh, channels, name, len, found);
    return found;
}

static void join(int fd, const char *name, size_t len)
{
    channel *ch = find_channel(name, len);
    if (!ch) {
        ch = calloc(1, sizeof(*ch));
        snprintf(ch->name, sizeof(ch->name), "%.*s", (int)len, name);
        HASH_ADD(hh, channels, name, len, ch);
    }
    if (ch->count == ch->room) {
        ch->room = ch->room ? ch->room * 2 : 4;
        ch->fds = realloc(ch->fds, ch->room * sizeof(*ch->fds));
    }
    ch->fds[ch->count++] = fd;
}

/* A client that has gone leaves its channel; only between the phases of a bench, so the search does
 * not matter. */
static void leave_all(int fd)
{
    channel *ch, *next;
    HASH_ITER (hh, channels, ch, next)
        for (size_t i = 0; i < ch->count; i++)
            if (ch->fds[i] == fd)
                ch->fds[i--] = ch->fds[--ch->count];
}

static void broadcast(const channel *ch)
{
    for (size_t i = 0; i < ch->count; i++)
        if (send(ch->fds[i], frame, frame_len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)frame_len)
            die("send: %s", strerror(errno));
}

/* Puts the text, cut or filled up to bytes, behind the header of an unmasked text frame. */
static void make_frame(const char *text, size_t len, size_t bytes)
{
    size_t head = bytes < 126 ? 2 : 4;
    frame[0] = (char)0x81;
    frame[1] = (char)(bytes < 126 ? bytes : 126);
    if (head == 4) {
        frame[2] = (char)(bytes >> 8);
        frame[3] = (char)bytes;
    }
    memset(frame + head, ' ', bytes);
    memcpy(frame + head, text, len < bytes ? len : bytes);
    frame_len = head + bytes;
}

static void publish(const char *payload, size_t bytes)
{
    static const char key[] = "\"playerId\":\"";
    const char *player = strstr(payload, key);
    char name[160];
    channel *ch;

    make_frame(payload, strlen(payload), bytes);
    if ((ch = find_channel("staff-portal", 12)))
        broadcast(ch);
    if (!player)
        return;
    player += sizeof(key) - 1;
    int len = snprintf(name, sizeof(name), "player-%.*s", (int)strcspn(player, "\""), player);
    if ((ch = find_channel(name, (size_t)len)))
        broadcast(ch);
}

static void take_notifications(PGconn *db, size_t bytes)
{
    PGnotify *note;
    if (!PQconsumeInput(db))
        die("%s", PQerrorMessage(db));
    while ((note = PQnotifies(db))) {
        publish(note->extra, bytes);
        PQfreemem(note);
    }
}

static void send_text(int fd, const char *text)
{
    make_frame(text, strlen(text), strlen(text));
    if (send(fd, frame, frame_len, MSG_NOSIGNAL) != (ssize_t)frame_len)
        die("send: %s", strerror(errno));
}

static void answer_handshake(int fd, const char *request)
{
    const char *key = strstr(request, "Sec-WebSocket-Key: ");
    unsigned char digest[SHA_DIGEST_LENGTH], accept[32];
    char text[256];
    if (!key)
        die("not a WebSocket handshake: %s", request);
    int len = snprintf(text, sizeof(text), "%.24s" GUID, key + 19);
    SHA1((const unsigned char *)text, (size_t)len, digest);
    EVP_EncodeBlock(accept, digest, sizeof(digest));
    len =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n\r\n",
                 accept);
    send(fd, text, (size_t)len, MSG_NOSIGNAL);
    send_text(fd, "{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":"
                  "\\\"1.1\\\"}\"}");
}

/* The bench's client sends one frame, pusher:subscribe, masked with zeros, so that it can be read
 * as it is. */
static void answer_subscribe(int fd, const char *text)
{
    static const char key[] = "\"channel\":\"";
    const char *name = strstr(text, key);
    if (!name)
        die("not a subscription: %s", text);
    name += sizeof(key) - 1;
    join(fd, name, strcspn(name, "\""));
    send_text(fd, "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{}\"}");
}

static void take_request(int fd)
{
    char request[REQUEST_BYTES + 1];
    ssize_t len = recv(fd, request, REQUEST_BYTES, 0);
    if (len <= 0) {
        leave_all(fd);
        close(fd);
        return;
    }
    request[len] = '\0';
    if (request[0] == 'G')
        answer_handshake(fd, request);
    else if (len > 6)
        answer_subscribe(fd, request + 6);
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void accept_all(int epoll, int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        watch(epoll, fd);
    }
}

static int listen_somewhere(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, SOMAXCONN) != 0)
        die("cannot listen: %s", strerror(errno));
    getsockname(fd, (struct sockaddr *)&at, &len);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static PGconn *listen_to_database(const char *conninfo)
{
    PGconn *db = PQconnectdb(conninfo);
    PQclear(PQexec(db, "SELECT unichat_listen()"));
    if (PQstatus(db) != CONNECTION_OK)
        die("%s", PQerrorMessage(db));
    return db;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        die("usage: rawcast CONNINFO BYTES");
    size_t bytes = strtoul(argv[2], NULL, 10);
    if (bytes == 0 || bytes > FRAME_LIMIT - 4)
        die("BYTES must be 1 to %d", FRAME_LIMIT - 4);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    raise_fd_limit();
    PGconn *db = listen_to_database(argv[1]);
    int epoll = epoll_create1(EPOLL_CLOEXEC), listener = listen_somewhere();
    watch(epoll, listener);
    watch(epoll, PQsocket(db));
    for (;;) {
        struct epoll_event events[EVENTS_AT_ONCE];
        int count = epoll_wait(epoll, events, EVENTS_AT_ONCE, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == PQsocket(db))
                take_notifications(db, bytes);
            else if (fd == listener)
                accept_all(epoll, listener);
            else
                take_request(fd);
        }
    }
}
