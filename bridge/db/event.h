/* event.h - one event as the database hands it out: docs/events.md, "The NOTIFY payload". */
#ifndef UNICHAT_DB_EVENT_H
#define UNICHAT_DB_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owns one block of memory, which `data` begins and the other texts are in. */
typedef struct db_event {
    char *data; /* the JSON for clients: the payload, without its xid */
    size_t data_len;
    const char *player_id;
    const char *kind;
    const char *sender; /* of a message that is not erased, else NULL */
    int64_t seq;
    uint64_t xid;
    uint64_t at; /* its time, as a number that another time has not; 0: not said */
    bool ref;    /* a reference only: the rest has to be fetched */
} db_event;

/* Reads a payload. False when it is not one; then there is nothing to clear. */
bool db_event_parse(db_event *e, const char *payload, size_t len)
    __attribute__((warn_unused_result));

void db_event_clear(db_event *e);

#endif
