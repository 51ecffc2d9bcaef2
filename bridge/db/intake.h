/* intake.h - what the listening session hears and reads becomes events, each once and in order. For
 * db/listener.c.
 *
 * It owns the ledger of what has been accepted (ledger.h) and the queue of what is on its way
 * (event_queue.h), and knows which position clients may be told.
 *
 *     notification ──▶ [held until live] ──▶ ledger ──▶ queue ──▶ event()
 *     row of a catch-up ─────────────────▶ ledger ──▶ queue
 *     row of an audit ───────────────────▶ ledger: a suspect, accepted by a later audit
 */
#ifndef UNICHAT_DB_INTAKE_H
#define UNICHAT_DB_INTAKE_H

#include "db/listener.h"

#include <libpq-fe.h>

typedef struct intake intake;

/* Reads the snapshot N and the difference S → N; its parameter is S or NULL. */
extern const char intake_catch_up_sql[];

/* Reads the keys of such a difference. */
extern const db_stmt intake_audit_stmt;

/* `who` is the session's identity in the log and must outlive it. */
intake *intake_new(uv_loop_t *loop, db_pool *pool, const char *who, const listener_events *events,
                   void *arg) __attribute__((warn_unused_result));
void intake_free(intake *in);

/* S as the database reads it, or NULL before the first catch-up. */
const char *intake_snapshot(const intake *in);

/* The payload of a notification. */
void intake_notified(intake *in, const char *payload);

/* A row of the catch-up. False when its snapshot cannot be read. */
bool intake_caught_up(intake *in, PGresult *row) __attribute__((warn_unused_result));

/* The catch-up is over and notifications count from now on. False when no row has come. */
bool intake_live(intake *in) __attribute__((warn_unused_result));

/* The session is gone. What was accepted stays so; what was not will be in the next difference. */
void intake_lost(intake *in);

/*
 * The answer to intake_audit_stmt for the S of now. Suspects of `missed_since` (monotonic ms) and
 * before are accepted as missed. True when suspects are left.
 */
bool intake_audited(intake *in, PGresult *rows, uint64_t missed_since);

#endif
