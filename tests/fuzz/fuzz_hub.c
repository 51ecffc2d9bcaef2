/* Three connections that say, line by line, whatever the input says. The first byte of a line
 * chooses:
 *
 *     -C              connection C ends
 *     !DATA           an event is published
 *     @CHANNEL DATA   the first connection joins CHANNEL, with DATA as its signed channel_data
 *     $DATA           it signs in as DATA, signed
 *     else            the connection of that number says the rest
 *
 * The hub's tables must stay consistent and nothing may leak; every frame must be JSON. */
#include "../unit/app_options.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "protocol/pusher_sign.h"

#include "json_peer.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONNS 3

static hub_conn *conns[CONNS];

static void leave(unsigned i)
{
    if (conns[i])
        hub_disconnect(conns[i]);
    conns[i] = NULL;
}

static hub_conn *who(hub_app *app, unsigned i)
{
    const char *why;
    int code;

    if (!conns[i])
        conns[i] = hub_connect(app, NULL, NULL, "fuzz", &code, &why);
    return conns[i];
}

static void say(hub_conn *conn, const char *event, json_t *data)
{
    json_t *message = json_pack("{s:s, s:o}", "event", event, "data", data);
    char *text = json_dumps(message, JSON_COMPACT);

    hub_receive(conn, text, strlen(text));
    free(text);
    json_decref(message);
}

static void join_signed(hub_conn *conn, const char *channel, const char *data)
{
    char *auth = pusher_sign_channel("k", "k", hub_conn_socket_id(conn), channel, data);

    say(conn, "pusher:subscribe",
        json_pack("{s:s, s:s, s:s*}", "channel", channel, "auth", auth, "channel_data", data));
    free(auth);
}

static void sign_in(hub_conn *conn, const char *data)
{
    char *auth = pusher_sign_user("k", "k", hub_conn_socket_id(conn), data);

    say(conn, "pusher:signin", json_pack("{s:s, s:s}", "auth", auth, "user_data", data));
    free(auth);
}

/* What the app has signed, which may still be nonsense. */
static void act_signed(hub_conn *conn, const char *line, size_t len)
{
    char *data = mem_strndup(line + 1, len - 1);
    char *channel = *line == '@' ? strsep(&data, " ") : NULL;

    if ((channel && !text_utf8_valid(channel, strlen(channel))) ||
        (data && !text_utf8_valid(data, strlen(data))))
        ;
    else if (channel)
        join_signed(conn, channel, data);
    else
        sign_in(conn, data);
    free(channel ? channel : data);
}

static void act(hub_app *app, const char *line, size_t len)
{
    unsigned i = (unsigned)(uint8_t)line[0] % CONNS;

    if (line[0] == '-') {
        leave(len > 1 ? (unsigned)(uint8_t)line[1] % CONNS : 0);
    } else if (line[0] == '!') {
        if (text_utf8_valid(line + 1, len - 1))
            hub_publish(app, "cache-x", "e", line + 1, len - 1, NULL);
    } else if (line[0] == '@' || line[0] == '$') {
        act_signed(who(app, 0), line, len);
    } else {
        hub_receive(who(app, i), line + 1, len - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hub_app_options options = app_options();
    hub *h = hub_new();
    hub_app *app;
    const char *at = (const char *)data, *end = at + size;

    log_set_level(LOG_LEVEL_ERROR);
    options.client_events = options.subscription_count = options.watchlist = true;
    hub_set_transport(h, &json_peer);
    app = hub_app_add(h, &options);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        if (stop > at)
            act(app, at, (size_t)(stop - at));
        at = stop + 1;
    }
    for (unsigned i = 0; i < CONNS; i++)
        leave(i);
    hub_free(h);
    return 0;
}
