/*
 * sender.h - one libpq connection that calls unichat_send(); for the benches.
 */
#ifndef BENCH_SENDER_H
#define BENCH_SENDER_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/* Connects and prepares; ends the bench with the server's words on failure. Freed with PQfinish().
 */
PGconn *sender_connect(const char *conninfo);

/* Sends message number n of a player and waits for the commit. */
void sender_send(PGconn *db, const char *player, size_t n);

/*
 * Several under way on one connection, each a transaction of its own: sender_queue() sends without
 * waiting, sender_drain() takes the answers that are there and returns how many transactions have
 * ended. Between sender_begin() and sender_end().
 */
void sender_begin(PGconn *db);
void sender_queue(PGconn *db, const char *player, size_t n);
size_t sender_drain(PGconn *db);
void sender_end(PGconn *db);

#endif
