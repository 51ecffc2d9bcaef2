/* json_peer.h - the other end of a connection of the hub: all that it is sent must be a frame of
 * JSON, and all that it is closed with a code of WebSocket. */
#ifndef UNICHAT_FUZZ_JSON_PEER_H
#define UNICHAT_FUZZ_JSON_PEER_H

#include "hub/frame.h"
#include "hub/session.h"

#include <assert.h>
#include <jansson.h>

static void json_peer_take(void *peer, frame *f)
{
    size_t header = f->bytes[1] < 126 ? 2 : f->bytes[1] == 126 ? 4 : 10;
    json_t *json = json_loadb((const char *)f->bytes + header, f->len - header,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

    (void)peer;
    assert(json && json_is_string(json_object_get(json, "event")));
    json_decref(json);
}

static void json_peer_close(void *peer, int code, const char *reason)
{
    (void)peer;
    assert(code >= 1000 && reason);
}

static size_t json_peer_backlog(const void *peer)
{
    (void)peer;
    return 0;
}

static const hub_transport json_peer = {json_peer_take, json_peer_close, json_peer_backlog};

#endif
