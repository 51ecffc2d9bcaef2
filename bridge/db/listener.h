/* listener.h - hears of every event, once, in order; also of those that happened while it could not
 * listen.
 *
 * NOTIFY is the fast path and the table of events is the truth. See listener.c for how the two are
 * brought together.
 */
#ifndef UNICHAT_DB_LISTENER_H
#define UNICHAT_DB_LISTENER_H

#include "db/event_queue.h"
#include "db/snapshot.h"

typedef struct listener listener;

typedef struct listener_events {
    /* One event. In the order of seq within a player. */
    void (*event)(void *arg, const db_event *event);
    /* Events begin anew, and everybody should load everything anew. `reason` is of docs/events.md:
     * "epoch", the database is another one than before, or has gone back in time (restored, failed
     * over with loss), and what clients have may be wrong; "too_old", more has happened than can be
     * made up for. */
    void (*resync)(void *arg, const char *reason);
    /* An event of this player is left out: who follows the player should load it anew. */
    void (*skipped)(void *arg, const char *player_id);
    /* Everything that the snapshot sees has been handed to event(), in this session or before. */
    void (*position)(void *arg, const char *epoch, const snapshot *s);
    /* The payload of a notification of unichat_publish(). */
    void (*publication)(void *arg, const char *payload);
    /* A row of unichat_revocations(): all of them in each session, before the events, and again
     * whenever a notification says that there is another. */
    void (*revoked)(void *arg, const char *revocation);
    /* That was the last of the rows. */
    void (*revoked_all)(void *arg);
    /* The payload of a notification of another bridge (delivery/identity_notice.h). */
    void (*identity)(void *arg, const char *payload);
} listener_events;

/* Connects as soon as the loop runs. The pool must outlive it. */
listener *listener_new(uv_loop_t *loop, const config *conf, db_pool *pool,
                       const listener_events *events, void *arg)
    __attribute__((warn_unused_result));

/* Whether it has ever listened. Before that, what is read from the database and what will be
 * notified need not meet: a client that has read a history could miss what comes next. */
bool listener_has_begun(const listener *l);

/* Whether it listens and has caught up. */
bool listener_is_live(const listener *l);

void listener_close(listener *l, void (*closed)(void *arg), void *arg);

#endif
