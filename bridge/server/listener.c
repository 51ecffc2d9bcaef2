/* listener.c - see listener.h.
 *
 *     readable --> accept, at most ACCEPTS_PER_TURN --> accepted_take()
 *        |                |
 *        |                +-- out of descriptors: not watched for PAUSE_MS
 *        +-- no room: not watched until accepted.c says that somebody has gone
 *
 * What is not accepted waits in the kernel's backlog. The order in which it comes in is the
 * kernel's.
 */
#include "server/listener.h"

#include "base/limit.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/accepted.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_PER_TURN                                                                           \
    64 /* so that a storm of connections does not hold up those that are there */
#define PAUSE_MS 200

struct listener {
    listener *next;
    server *srv;
    struct lws_vhost *vhost;
    int fd;
    unsigned open_handles;
    uv_poll_t poll;
    uv_timer_t pause;
};

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *t)
{
    listener *l = t->data;

    uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

void listener_resume(server *srv)
{
    for (listener *l = srv->listeners; l; l = l->next)
        if (!uv_is_active((uv_handle_t *)&l->pause))
            uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

/* Out of descriptors: the connection stays in the backlog, and the socket would be readable for
 * ever. */
static void pause_accepting(listener *l, int error)
{
    limit_tell(limit_get("open_files"), strerror(error));
    uv_poll_stop(&l->poll);
    uv_timer_start(&l->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    listener *l = poll->data;

    (void)events;
    if (status < 0)
        return;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        int fd;

        if (!accepted_has_room(l->srv)) {
            uv_poll_stop(&l->poll);
            return;
        }
        fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accepted_take(l->srv, l->vhost, fd, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(l, errno);
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

/* TCP_NODELAY is inherited by what is accepted. */
static int bound_socket(const struct addrinfo *ai)
{
    int on = 1, off = 0;
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* The first address of the name that can be listened on; without a name, all of them, IPv6 and
 * IPv4. */
static int open_socket(const char *host, int port)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char service[16];
    int fd = -1, rc;

    snprintf(service, sizeof(service), "%d", port);
    rc = getaddrinfo(host && *host ? host : NULL, service, &hints, &list);
    if (rc) {
        log_error("event=listen_failed host=%s port=%d error=%s", host ? host : "*", port,
                  LOG_Q(gai_strerror(rc)));
        return -1;
    }
    for (int want_v6 = 1; want_v6 >= 0 && fd < 0; want_v6--)
        for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
            if ((ai->ai_family == AF_INET6) == want_v6 && (want_v6 ? !host || !*host : 1))
                fd = bound_socket(ai);
    for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
        fd = bound_socket(ai);
    if (fd < 0)
        log_error("event=listen_failed host=%s port=%d error=%s", host ? host : "*", port,
                  LOG_Q(strerror(errno)));
    freeaddrinfo(list);
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return -1;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

int listener_open(server *srv, const char *host, int port, struct lws_vhost *vhost)
{
    int fd = open_socket(host, port);
    listener *l;

    if (fd < 0)
        return -1;
    l = mem_new(listener);
    l->srv = srv;
    l->vhost = vhost;
    l->fd = fd;
    l->poll.data = l->pause.data = l;
    uv_poll_init(srv->opt.loop, &l->poll, fd);
    uv_timer_init(srv->opt.loop, &l->pause);
    uv_poll_start(&l->poll, UV_READABLE, on_readable);
    l->next = srv->listeners;
    srv->listeners = l;
    return port_of(fd);
}

static void on_handle_closed(uv_handle_t *handle)
{
    listener *l = handle->data;

    if (--l->open_handles == 0) {
        close(l->fd);
        free(l);
    }
}

void listener_close_all(server *srv)
{
    listener *next;

    for (listener *l = srv->listeners; l; l = next) {
        next = l->next;
        l->open_handles = 2;
        uv_close((uv_handle_t *)&l->poll, on_handle_closed);
        uv_close((uv_handle_t *)&l->pause, on_handle_closed);
    }
    srv->listeners = NULL;
}
