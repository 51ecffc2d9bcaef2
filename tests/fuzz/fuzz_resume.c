/* Resuming, told line by line: what a client says, and what the database says meanwhile. The first
 * byte of a line chooses:
 *
 *     0, 1   the staff's or the player's connection says the rest
 *     >      an event: the rest is the payload of a notification
 *     =      a snapshot: everything that it sees has been published
 *     -      the database is another one
 *
 * The database never answers here, so every resume is somewhere between remembered and queued when
 * the connections go. Nothing may leak or be used after its end. */
#include "../unit/app_options.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/delivery.h"
#include "delivery/resume.h"
#include "identity/caller.h"

#include "json_peer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONNS 2

static struct {
    uv_loop_t loop;
    hub *hub;
    hub_app *app;
    resumes *resumes;
    caller *who[CONNS];
    hub_conn *conns[CONNS];
} world;

static void begin_world(void)
{
    static const config conf = {.database = "host=/nonexistent",
                                .schema = "",
                                .pool_size = 2,
                                .pool_queue = 10,
                                .max_queue = 8192};
    hub_app_options options = app_options();

    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_init(&world.loop);
    world.hub = hub_new();
    hub_set_transport(world.hub, &json_peer);
    world.app = hub_app_add(world.hub, &options);
    delivery_start(world.app);
    world.resumes = resume_start(&world.loop, &conf, db_pool_new(&world.loop, &conf), world.app);
    world.who[0] = caller_new(CALLER_STAFF, "grace", NULL, 0);
    world.who[1] = caller_new(CALLER_PLAYER, "42", NULL, 0);
}

static void publish(const char *payload, size_t len)
{
    db_event e;

    if (!db_event_parse(&e, payload, len))
        return;
    delivery_publish(world.app, &e);
    db_event_clear(&e);
}

static void see(const char *text, size_t len)
{
    char *copy = mem_strndup(text, len);
    snapshot *s = snapshot_parse(copy);

    if (s) {
        delivery_set_position("7.1", s);
        resume_position(world.resumes, s);
    }
    snapshot_free(s);
    free(copy);
}

static void act(const char *line, size_t len)
{
    switch (*line) {
    case '0':
    case '1':
        hub_receive(world.conns[*line - '0'], line + 1, len - 1);
        break;
    case '>':
        publish(line + 1, len - 1);
        break;
    case '=':
        see(line + 1, len - 1);
        break;
    case '-':
        resume_resync_all(world.resumes, "epoch");
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size, *why;
    hub_stats stats;
    int code;

    if (!world.hub)
        begin_world();
    for (unsigned i = 0; i < CONNS; i++)
        world.conns[i] = hub_connect(world.app, NULL, world.who[i], "fuzz", &code, &why);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        if (stop > at)
            act(at, (size_t)(stop - at));
        at = stop + 1;
    }
    for (unsigned i = 0; i < CONNS; i++)
        hub_disconnect(world.conns[i]);
    hub_get_stats(world.hub, &stats);
    assert(stats.connections == 0 && stats.subscriptions == 0);
    return 0;
}
