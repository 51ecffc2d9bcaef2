/* sender.c - see sender.h. */
#include "sender.h"
#include "measure.h"

#include <stdio.h>

#define TEXT_BYTES 64 /* of every message */

static void check(const PGconn *db, bool ok)
{
    if (!ok)
        die("the database says: %s", PQerrorMessage(db));
}

static void check_result(const PGconn *db, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    check(db, status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
    PQclear(result);
}

PGconn *sender_connect(const char *conninfo)
{
    PGconn *db = PQconnectdb(conninfo);
    check(db, PQstatus(db) == CONNECTION_OK);
    check_result(db, PQprepare(db, "send", "SELECT seq FROM unichat_send($1, $2)", 2, NULL));
    return db;
}

/* "n=000000123 …", so that a receiver finds the number, padded so that every message is as long. */
static void message_text(char text[TEXT_BYTES + 1], size_t n)
{
    snprintf(text, TEXT_BYTES + 1, "n=%09zu %-*s", n, TEXT_BYTES - 12,
             "I cannot log in since the update.");
}

void sender_send(PGconn *db, const char *player, size_t n)
{
    char text[TEXT_BYTES + 1];
    const char *values[] = {player, text};
    message_text(text, n);
    check_result(db, PQexecPrepared(db, "send", 2, values, NULL, NULL, 0));
}

void sender_begin(PGconn *db)
{
    PQsetnonblocking(db, 1);
    check(db, PQenterPipelineMode(db));
}

void sender_queue(PGconn *db, const char *player, size_t n)
{
    char text[TEXT_BYTES + 1];
    const char *values[] = {player, text};
    message_text(text, n);
    check(db, PQsendQueryPrepared(db, "send", 2, values, NULL, NULL, 0));
    check(db, PQpipelineSync(db));
    check(db, PQflush(db) >= 0);
}

/* A NULL ends one statement's results; two in a row: nothing is under way. */
size_t sender_drain(PGconn *db)
{
    size_t ended = 0, nulls = 0;
    check(db, PQconsumeInput(db) == 1 && PQflush(db) >= 0);
    while (nulls < 2 && !PQisBusy(db)) {
        PGresult *result = PQgetResult(db);
        nulls = result ? 0 : nulls + 1;
        if (result && PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            ended++;
        } else if (result) {
            check_result(db, result);
        }
    }
    return ended;
}

void sender_end(PGconn *db)
{
    check(db, PQexitPipelineMode(db));
    PQsetnonblocking(db, 0);
}
