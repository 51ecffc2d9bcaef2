/* event.h - one event as the database hands it out: docs/events.md, "The NOTIFY payload". */
#ifndef UNICHAT_DB_EVENT_H
#define UNICHAT_DB_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct db_event {
    json_t *fields; /* all of them; owned */
    const char *player_id;
    const char *kind;
    int64_t seq;
    uint64_t xid;
    bool ref; /* a reference only: the fields have to be fetched */
} db_event;

/* Reads a payload. False when it is not one; then there is nothing to clear. */
bool db_event_parse(db_event *e, const char *payload, size_t len)
    __attribute__((warn_unused_result));

void db_event_clear(db_event *e);

#endif
