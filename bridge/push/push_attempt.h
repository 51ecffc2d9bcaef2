/* push_attempt.h - one claimed row on its way: the call to the provider, then the report to the
 * database.
 *
 *     calling --answer, or cancelled--> reporting --stored, or another attempt has the row--> gone
 *                                        ^    |
 *                          report again  |    v  the database is away
 *                                       unreported
 *
 * What the provider has answered is kept until the database has it: while this process lives, no
 * result is lost to a restart of PostgreSQL. If the process dies first, the row's lease runs out
 * and the attempt is repeated with the same key, which the provider answers from memory.
 */
#ifndef UNICHAT_PUSH_ATTEMPT_H
#define UNICHAT_PUSH_ATTEMPT_H

#include "base/http_client.h"
#include "config/config.h"
#include "db/pool.h"
#include "push/push_item.h"

typedef struct push_attempt push_attempt;

/* What all attempts of a queue share. */
typedef struct push_context {
    const config *conf;
    db_pool *pool;
    http_client *http;
    /* The provider has answered, or not: for the breaker. */
    void (*answered)(void *owner, const push_result *result, uint64_t elapsed_ms);
    /* The attempt is over and frees itself when this returns. */
    void (*finished)(void *owner, push_attempt *attempt);
    void *owner;
} push_context;

/* The statement whose rows push_attempt_start takes. */
#define PUSH_CLAIM_SQL                                                                             \
    "SELECT id, attempt, idempotency_key, kind, request_id, player_id, urgency, title, body, "     \
    "data, failures,"                                                                              \
    " waiting, oldest_seconds"                                                                     \
    " FROM unichat_push_claim($1::bigint * interval '1 ms', $2::int, $3::int, $4::bigint * "       \
    "interval '1 ms', $5::int)"

/* Starts to send one claimed row. `context` outlives the attempt; neither callback is called before
 * this returns. */
push_attempt *push_attempt_start(const push_context *context, const PGresult *rows, int row)
    __attribute__((warn_unused_result));

/* Gives the call up and the row back, to be sent again at once: the bridge shuts down, or has
 * another key. Nothing when the provider has answered already. */
void push_attempt_release(push_attempt *attempt);

/* Reports again where the database was away; nothing otherwise. */
void push_attempt_report_again(push_attempt *attempt);

/* Forgets it at once; its row's lease will run out. `finished` is not called. Not while a report is
 * under way. */
bool push_attempt_is_reporting(const push_attempt *attempt);
void push_attempt_drop(push_attempt *attempt);

#endif
