/* event.c - see event.h. */
#include "db/event.h"
#include "db/snapshot.h"

bool db_event_parse(db_event *e, const char *payload, size_t len)
{
    const char *xid = NULL;
    json_int_t seq = 0;
    int ref = 0;
    *e = (db_event){.fields = json_loadb(payload, len, 0, NULL)};
    if (e->fields != NULL &&
        json_unpack(e->fields, "{s:s, s:I, s:s, s:s, s?b}", "playerId", &e->player_id, "seq", &seq,
                    "kind", &e->kind, "xid", &xid, "ref", &ref) == 0 &&
        seq > 0 && snapshot_parse_xid(xid, &e->xid)) {
        e->seq = seq;
        e->ref = ref != 0;
        return true;
    }
    db_event_clear(e);
    return false;
}

void db_event_clear(db_event *e)
{
    json_decref(e->fields);
    *e = (db_event){0};
}
