/* The payload of a notification, whoever sent it. What is taken is what clients
 * get: one JSON object without the xid, of a player, a kind and a seq. */
#include "base/text.h"
#include "db/event.h"
#include "delivery/delivery.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const db_event *e, size_t size)
{
    delivery_names names;

    assert(e->data_len < size && text_utf8_valid(e->data, e->data_len));
    assert(e->player_id && e->kind && e->seq > 0);
    assert(text_utf8_valid(e->player_id, strlen(e->player_id)));
    assert(text_utf8_valid(e->kind, strlen(e->kind)));
    if (delivery_names_of(e, &names)) {
        char *with = delivery_data_of(e, "p");

        assert(names.staff && names.player && strlen(with) > e->data_len);
        free(with);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* of its exact size, for the sanitizer */
    db_event e;

    memcpy(text, data, size);
    text[size] = '\0';
    if (db_event_parse(&e, text, size)) {
        check(&e, size);
        db_event_clear(&e);
    }
    free(text);
    return 0;
}
