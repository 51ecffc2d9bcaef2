/*
 * identity_notice.h - what ends before its time: revoked tokens, and what bridges tell each other.
 *
 *   {"role","sub","until"}
 *        A row of unichat_revocations(): connections that live by such a token are closed.
 *   {"role","sub","issuedAt","key","socketId","end"}
 *        A notification: a token vouches for a connection of another bridge. /pusher/auth may be
 *        answered by any of them, and the connection has to end with its token wherever it is.
 */
#ifndef UNICHAT_DELIVERY_IDENTITY_NOTICE_H
#define UNICHAT_DELIVERY_IDENTITY_NOTICE_H

#include "db/pool.h"
#include "hub/hub.h"
#include "identity/token.h"

/* Takes a revocation, from the database's own list. */
void identity_take_revocation(hub *h, const verifier *v, revocations *revoked, const char *row);

/* Takes another bridge's notice. What is none is dropped with a line in the log. */
void identity_take_vouch(hub *h, const char *payload);

/* Has the token of `who` vouch for the connection with this socket id, here or at another bridge.
 * False when it is not here and the database cannot be asked to pass it on. */
bool identity_vouch(hub *h, const verifier *v, db_pool *pool, const caller *who,
                    const char *socket_id) __attribute__((warn_unused_result));

/* Closes the connections that live by a token which is good no more. */
void identity_review(hub *h, const verifier *v);

#endif
