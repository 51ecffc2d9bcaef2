/* event.c - see event.h.
 *
 * Every delivery begins here, and this is most of what one costs that goes to one client only. So
 * the payload is read in one pass, and what clients get is the payload's own text with the xid cut
 * out, not built anew.
 */
#include "db/event.h"
#include "base/mem.h"
#include "base/text.h"
#include "protocol/flat_json.h"

#include <stdlib.h>
#include <string.h>

/* Where the block's next text goes. */
typedef struct reader {
    db_event *event;
    char *free;
    bool has_xid;
} reader;

static bool read_text(reader *r, const flat_member *m, const char **text)
{
    int64_t len = flat_member_text(m, r->free);
    if (len < 0)
        return false;
    *text = r->free;
    r->free += len + 1;
    return true;
}

/* Reads the xid, and leaves the member out of the data. It is never the first one. */
static bool read_xid(reader *r, const flat_member *m, const char *payload, size_t len)
{
    size_t before = (size_t)(m->start - payload);
    if (r->has_xid || *m->start != ',' || *m->value != '"')
        return false;
    r->has_xid = true;
    memcpy(r->event->data, payload, before);
    memcpy(r->event->data + before, m->start + m->len, len - before - m->len);
    r->event->data_len = len - m->len;
    r->event->data[r->event->data_len] = '\0';
    return text_parse_digits(m->value + 1, m->value_len - 2, &r->event->xid);
}

/* The digits of the timestamp; an overflow wraps, and times still differ. */
static uint64_t read_time(const flat_member *m)
{
    uint64_t at = 0;
    for (size_t i = 0; i < m->value_len; i++)
        if (m->value[i] >= '0' && m->value[i] <= '9')
            at = at * 10 + (uint64_t)(m->value[i] - '0');
    return at;
}

/* False when the member is not what it should be. */
static bool read_member(reader *r, const flat_member *m, const char *payload, size_t len)
{
    db_event *e = r->event;
    if (flat_member_is(m, "playerId"))
        return read_text(r, m, &e->player_id);
    if (flat_member_is(m, "kind"))
        return read_text(r, m, &e->kind);
    if (flat_member_is(m, "sender"))
        return *m->value == 'n' || read_text(r, m, &e->sender); /* null: the message is erased */
    if (flat_member_is(m, "seq"))
        return flat_member_int(m, &e->seq);
    if (flat_member_is(m, "xid"))
        return read_xid(r, m, payload, len);
    if (flat_member_is(m, "timestamp"))
        e->at = read_time(m);
    else if (flat_member_is(m, "ref"))
        e->ref = *m->value == 't';
    return true;
}

static bool read_payload(reader *r, const char *payload, size_t len)
{
    flat_json json;
    flat_member m;
    flat_json_open(&json, payload, len);
    while (flat_json_next(&json, &m))
        if (!read_member(r, &m, payload, len))
            return false;
    return json.whole;
}

bool db_event_parse(db_event *e, const char *payload, size_t len)
{
    if (!text_utf8_valid(payload, len))
        return false;
    /* The data, shorter than the payload, and the decoded texts, shorter than they are in it. */
    *e = (db_event){.data = mem_raw(2 * len + 1)};
    reader r = {.event = e, .free = e->data + len};
    if (read_payload(&r, payload, len) && r.has_xid && e->player_id && e->kind && e->seq > 0)
        return true;
    db_event_clear(e);
    return false;
}

void db_event_clear(db_event *e)
{
    free(e->data);
    *e = (db_event){0};
}
