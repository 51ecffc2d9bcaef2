/* resume_run.h - one resume from its question to the open subscription, and all of them taking
 * turns at the database.
 *
 *     resume_runs   what they share: the pool, who waits, who reads
 *     resume_run    one: a connection, a channel, a history and its seam with live events
 *
 * A run that has come to its end calls ended() and frees itself. Until then its owner may drop it.
 *
 * What it costs, however long it takes and whether or not the client reads:
 *
 *     statements under way     half of the pool's connections, for all runs together
 *     pages in memory          the one that is being taken; what the client cannot take is read
 *                              again when it has room, and not kept
 *     the client's queue       a quarter of max_queue by its runs; live events beside them until
 *                              max_queue, then the server closes it
 *     live events held back    a quarter of max_queue for each run (seam.h)
 *     what was handed out      a number; for the staff one for each player, and at most
 *                              HISTORY_STAFF_MAX and a page of them (history.h)
 */
#ifndef UNICHAT_DELIVERY_RESUME_RUN_H
#define UNICHAT_DELIVERY_RESUME_RUN_H

#include "config/config.h"
#include "db/event.h"
#include "db/pool.h"
#include "db/snapshot.h"
#include "delivery/history.h"
#include "hub/frame.h"
#include "hub/hub.h"

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

typedef struct resume_runs resume_runs;
typedef struct resume_run resume_run;

/* The run frees itself when this returns. */
typedef void resume_ended(void *arg, hub_conn *conn, const char *channel);

/* The pool must outlive the runs. */
resume_runs *resume_runs_new(uv_loop_t *loop, const config *conf, db_pool *pool,
                             resume_ended *ended, void *arg) __attribute__((warn_unused_result));

/* When no run is left, nor a statement of one. Frees, in a later turn of the loop. */
void resume_runs_close(resume_runs *all);

/* Everything that the snapshot sees has been published. */
void resume_runs_published(resume_runs *all, const snapshot *s);

/* Live events begin anew, in another history: runs that are at their end have ended. */
void resume_runs_end_all(resume_runs *all);

/* `after` is what the client asked with; the history behind it is taken over. Does nothing yet. */
resume_run *resume_run_new(resume_runs *all, hub_conn *conn, const char *channel, json_t *after,
                           history *h) __attribute__((warn_unused_result));

/* Begins if the connection has the subscription; otherwise, and when it has begun, does nothing. */
void resume_run_begin(resume_run *r);

/* `fresh`, which has not begun, takes the place of `old`, which is dropped. What is held back stays
 * so. */
void resume_run_replace(resume_run *old, resume_run *fresh);

/* Ends it without a word, and without ended(). Its subscription is gone or somebody else's. */
void resume_run_drop(resume_run *r);

/* A live event for the subscription that it holds. */
void resume_run_take(resume_run *r, const db_event *e, frame *f);

/* Whether its client has been told that it has everything. */
bool resume_run_is_answered(const resume_run *r);

#endif
