/* intake.h - what the listening session hears and reads becomes events, each once and in order. For
 * db/listener.c.
 *
 * It owns the ledger of what has been accepted (ledger.h) and the queue of what is on its way
 * (event_queue.h), and knows which position clients may be told.
 *
 *     notification ──▶ [held until live] ──▶ ledger ──▶ queue ──▶ event()
 *     row of a catch-up ─────────────────▶ ledger ──▶ queue
 *     row of an audit ───────────────────▶ ledger: a suspect, accepted by a later audit
 *
 * It also finds out that time has gone back: intake.c, "Crashes".
 */
#ifndef UNICHAT_DB_INTAKE_H
#define UNICHAT_DB_INTAKE_H

#include "db/listener.h"

#include <libpq-fe.h>

typedef struct intake intake;

/* Reads the snapshot N and a page of the difference S → N. */
extern const char intake_catch_up_sql[];

/* Reads the keys of such a difference. */
extern const db_stmt intake_audit_stmt;

/* `who` is the session's identity in the log and must outlive it. */
intake *intake_new(uv_loop_t *loop, db_pool *pool, const char *who, const listener_events *events,
                   void *arg) __attribute__((warn_unused_result));
void intake_free(intake *in);

/* S as the database reads it, or NULL before the first catch-up. */
const char *intake_snapshot(const intake *in);

/* The parameters of intake_catch_up_sql for the next page. They are good until its first row. */
void intake_catch_up_values(intake *in, const char *values[4]);

/* After its rows: whether there is another page. */
bool intake_page_is_full(const intake *in);

/* It has been tried in vain. The next one does not begin at S, and the clients are told. */
void intake_cannot_catch_up(intake *in);

/* The payload of a notification. */
void intake_notified(intake *in, const char *payload);

/* A row of the catch-up. False when its snapshot cannot be read, or it is of another database than
 * the page before. */
bool intake_caught_up(intake *in, PGresult *row) __attribute__((warn_unused_result));

/* The catch-up is over and notifications count from now on. False when no row has come. */
bool intake_live(intake *in) __attribute__((warn_unused_result));

/* Why the session is to be given up, or NULL: it has heard or read what contradicts what it has
 * accepted, or more than it can hold. The next one's catch-up puts that right. */
const char *intake_gives_up(const intake *in);

/* The session is gone. What was accepted stays so; what was not will be in the next difference. */
void intake_lost(intake *in);

/* The parameters of intake_audit_stmt. */
void intake_audit_values(const intake *in, const char *values[2]);

/*
 * The answer to intake_audit_stmt for the S of now. Suspects of `missed_since` (monotonic ms) and
 * before are accepted as missed. True when suspects are left.
 */
bool intake_audited(intake *in, PGresult *rows, uint64_t missed_since);

#endif
