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

/* Takes a revocation, from the database's own list. Whether it was news; then, after the last of
 * them, identity_review(). */
bool identity_take_revocation(revocations *revoked, const char *row)
    __attribute__((warn_unused_result));

/* Takes another bridge's notice; a connection whose token is good no more is closed. What is no
 * notice is dropped with a line in the log. */
void identity_take_vouch(hub *h, const verifier *v, const char *payload);

typedef void identity_done(void *arg, bool vouched);

/* Has the token of `who` vouch for the connection with this socket id, here or at another bridge.
 * done is called once, at once or later: true when the connection is here, or when the database has
 * passed it on to the other bridges; false when it could not, at the second attempt either. */
void identity_vouch(hub *h, const verifier *v, db_pool *pool, const caller *who,
                    const char *socket_id, identity_done *done, void *arg);

/* Closes the connections that live by a token which is good no more. Looks at every connection. */
void identity_review(hub *h, const verifier *v);

#endif
