/* The body of POST /events (first byte even) or /batch_events (odd). What is accepted keeps the
 * limits. */
#include "protocol/pusher_publish.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const pusher_publish_limits limits = {
    .channels = 3, .batch = 2, .event_name = 20, .channel_name = 30, .data = 40};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pusher_publish p;
    char *why = NULL;
    int status;

    if (size == 0)
        return 0;
    status = pusher_publish_parse(&p, (const char *)data + 1, size - 1, data[0] & 1, &limits, &why);
    assert(status == 0 || status == 400 || status == 413);
    assert(!status == !why);
    free(why);
    if (status)
        return 0;
    assert(p.n_events <= 2);
    for (size_t i = 0; i < p.n_events; i++) {
        const pusher_event *e = &p.events[i];

        assert(strlen(e->name) <= 20 && e->data_len <= 40);
        assert(e->n_channels >= 1 && e->n_channels <= 3);
        for (size_t j = 0; j < e->n_channels; j++)
            assert(strlen(e->channels[j]) <= 30);
    }
    pusher_publish_free(&p);
    return 0;
}
