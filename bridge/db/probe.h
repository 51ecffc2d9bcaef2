/* probe.h - whether the listening session still hears anything. For db/listener.c.
 *
 * Every probe_interval the session notifies itself. If that does not come back within
 * probe_timeout, and nothing else does, the session looks alive and is not (a half-open connection,
 * a pooler in transaction mode), or listens to channels that nobody uses any more (the extension
 * was created anew, or its secret changed), and is given up.
 */
#ifndef UNICHAT_DB_PROBE_H
#define UNICHAT_DB_PROBE_H

#include "db/pg_conn.h"

typedef struct probe probe;

/* Nothing is probed before probe_begin(). The session must outlive it. */
probe *probe_new(uv_loop_t *loop, const config *conf, pg_conn *session)
    __attribute__((warn_unused_result));

/* The session is live; the session is gone. */
void probe_begin(probe *p);
void probe_end(probe *p);

/* A notification has come. */
void probe_hears(probe *p);

/* It was a probe; all bridges hear each other's. */
void probe_came(probe *p, const char *payload);

/* Sends one out of turn, unless one is under way. */
void probe_now(probe *p);

/* When the last one that came back in this session was sent (monotonic ms), or 0. Notifications
 * come in the order of the queue: whatever was notified before it has been heard too. */
uint64_t probe_back_ms(const probe *p);

/* Stops it; closed(arg) is called in a later turn, after it is freed. */
void probe_close(probe *p, void (*closed)(void *arg), void *arg);

#endif
