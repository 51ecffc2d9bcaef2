/* accepted.c - see accepted.h. */
#include "server/accepted.h"

#include "base/clock.h"
#include "base/container_of.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/tally.h"
#include "hub/session.h"
#include "server/address.h"
#include "server/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define SURPLUS_MAX 64u

struct accepted {
    server *srv;
    struct lws *wsi;
    void *owner;
    tally_entry *address;
    accepted *prev, *next; /* in waiting */
    wheel_timer deadline;
    bool waiting;
    bool idle; /* between two requests */
    bool surplus;
};

struct accepted_all {
    accepted *waiting; /* for what their clients have to say, longest first */
    tally *addresses;
    unsigned count, max;
    bool full; /* nobody is accepted */
    limit *by_address, *total, *too_slow;
};

static unsigned room_of(const server_options *opt)
{
    unsigned files = process_open_files();
    unsigned room = files / 2 > opt->own_files ? files - opt->own_files : files / 2;

    room = room > SURPLUS_MAX ? room - SURPLUS_MAX : 1;
    return opt->max_sockets && opt->max_sockets < room ? opt->max_sockets : room;
}

static double read_count(void *arg)
{
    const accepted_all *all = arg;

    return all->count;
}

static double read_max(void *arg)
{
    const accepted_all *all = arg;

    return all->max;
}

void accepted_start(server *srv)
{
    accepted_all *all = mem_new(accepted_all);

    all->addresses = tally_new();
    all->max = room_of(&srv->opt);
    all->by_address = limit_get("address_sockets");
    all->total = limit_get("sockets");
    all->too_slow = limit_get("request_time");
    metric_gauge_read("unichat_sockets", NULL, "Sockets that are open to clients.", read_count,
                      all);
    metric_gauge_read("unichat_sockets_max", NULL, "Sockets to clients that there may be.",
                      read_max, all);
    srv->accepted = all;
}

void accepted_stop(server *srv)
{
    tally_free(srv->accepted->addresses);
    free(srv->accepted);
}

/* ---- waiting for the client ---- */

static void stop_waiting(accepted *a)
{
    wheel_stop(&a->deadline);
    if (a->waiting)
        DL_DELETE(a->srv->accepted->waiting, a);
    a->waiting = false;
}

/* At once: what is put off, libwebsockets does when it next has something else to do. What it holds
 * back for a client that does not read, it would put off: on a socket that is shut down it cannot
 * wait for room. */
void accepted_kill(struct lws *wsi)
{
    if (lws_partial_buffered(wsi))
        shutdown(lws_get_socket_fd(wsi), SHUT_RDWR);
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_SYNC);
}

static void drop(accepted *a)
{
    stop_waiting(a);
    accepted_kill(a->wsi);
}

static const char *name_of(const accepted *a)
{
    return a->address ? tally_key(a->address) : "of the proxy";
}

static void on_deadline(wheel_timer *t)
{
    accepted *a = container_of(t, accepted, deadline);

    if (!a->idle)
        limit_tell(a->srv->accepted->too_slow, name_of(a));
    drop(a);
}

static void set_deadline(accepted *a, unsigned ms)
{
    stop_waiting(a);
    wheel_start(hub_wheel(a->srv->opt.hub), &a->deadline, clock_monotonic_ms() + ms, on_deadline);
}

static void wait_for_client(accepted *a, unsigned ms)
{
    set_deadline(a, ms);
    a->waiting = true;
    DL_APPEND(a->srv->accepted->waiting, a);
}

/* ---- coming and going ---- */

bool accepted_has_room(server *srv)
{
    accepted_all *all = srv->accepted;

    all->full = all->count >= all->max + SURPLUS_MAX;
    return !all->full;
}

/* Of a full house, the one that has waited longest goes. */
static void make_room(accepted *a)
{
    accepted_all *all = a->srv->accepted;

    if (all->count <= all->max)
        return;
    limit_tell(all->total, "all");
    if (all->waiting)
        drop(all->waiting);
    else
        a->surplus = true;
}

static bool count_as(accepted *a, const char *address)
{
    accepted_all *all = a->srv->accepted;
    char key[ADDRESS_KEY_SIZE];

    address_key(address, key);
    a->address = tally_enter(all->addresses, key, a->srv->opt.max_address_sockets);
    if (!a->address)
        limit_tell(all->by_address, key);
    return a->address != NULL;
}

/* Counts it for its address, unless that is the proxy's. */
static bool count_address(accepted *a, const struct sockaddr_storage *from)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    char text[INET6_ADDRSTRLEN] = "";

    if (a->srv->opt.trust_forwarded)
        return true;
    if (from->ss_family == AF_INET)
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, text, sizeof(text));
    else
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
    return count_as(a, text);
}

static void accepted_free(accepted *a)
{
    accepted_all *all = a->srv->accepted;

    stop_waiting(a);
    tally_leave(all->addresses, a->address);
    all->count--;
    free(a);
}

void accepted_take(server *srv, struct lws_vhost *vhost, int fd,
                   const struct sockaddr_storage *from)
{
    lws_sock_file_fd_type desc = {.sockfd = fd};
    accepted *a = mem_new(accepted);

    a->srv = srv;
    srv->accepted->count++;
    if (!count_address(a, from)) {
        close(fd);
        accepted_free(a);
        return;
    }
    a->wsi = lws_adopt_descriptor_vhost(
        vhost, LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL, desc, NULL, NULL);
    if (!a->wsi) {
        log_warning("event=adopt_failed fd=%d", fd);
        accepted_free(a);
        return;
    }
    lws_set_opaque_user_data(a->wsi, a);
    make_room(a);
    wait_for_client(a, srv->opt.request_ms);
}

void accepted_gone(struct lws *wsi)
{
    accepted *a = lws_get_opaque_user_data(wsi);
    server *srv = a ? a->srv : NULL;

    if (!a)
        return; /* libwebsockets would not have it */
    lws_set_opaque_user_data(wsi, NULL);
    accepted_free(a);
    if (srv->accepted->full && accepted_has_room(srv))
        listener_resume(srv);
}

/* ---- what the others tell ---- */

void *accepted_owner(struct lws *wsi)
{
    const accepted *a = lws_get_opaque_user_data(wsi);

    return a ? a->owner : NULL;
}

void accepted_set_owner(struct lws *wsi, void *owner)
{
    accepted *a = lws_get_opaque_user_data(wsi);

    a->owner = owner;
}

void accepted_busy(struct lws *wsi)
{
    stop_waiting(lws_get_opaque_user_data(wsi));
}

void accepted_await_body(struct lws *wsi)
{
    accepted *a = lws_get_opaque_user_data(wsi);

    a->idle = false;
    wait_for_client(a, a->srv->opt.request_ms);
}

void accepted_await_request(struct lws *wsi)
{
    accepted *a = lws_get_opaque_user_data(wsi);

    a->idle = true;
    wait_for_client(a, a->srv->opt.keepalive_ms);
}

void accepted_await_reader(struct lws *wsi)
{
    accepted *a = lws_get_opaque_user_data(wsi);

    a->idle = false;
    set_deadline(a, a->srv->opt.max_queue_ms);
}

bool accepted_is_surplus(struct lws *wsi)
{
    const accepted *a = lws_get_opaque_user_data(wsi);

    return a->surplus;
}

bool accepted_count_for(struct lws *wsi, const char *address)
{
    return count_as(lws_get_opaque_user_data(wsi), address);
}
