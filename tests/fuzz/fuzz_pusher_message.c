/* A client's WebSocket message. What is parsed can be passed on: the data is a slice of the text,
 * or JSON of its own. */
#include "base/buf.h"
#include "protocol/pusher_frame.h"
#include "protocol/pusher_message.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pusher_message m;
    const char *why = NULL;
    buf out = {0};
    json_t *again;

    if (!pusher_message_parse(&m, (const char *)data, size, &why)) {
        assert(why);
        return 0;
    }
    assert(m.event);
    if (m.kind == PUSHER_CLIENT_EVENT && m.channel) {
        pusher_frame_client_event(&out, m.channel, m.event, m.data, m.data_len, NULL);
        again = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        assert(again);
        json_decref(again);
    }
    buf_free(&out);
    pusher_message_free(&m);
    return 0;
}
