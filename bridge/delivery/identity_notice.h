/*
 * identity_notice.h - what the bridges of one database tell each other about identities.
 *
 *   {"role","sub","until"}
 *        A revocation (extension, unichat_revoke): connections that live by such a token are
 * closed.
 *   {"role","sub","issuedAt","key","socketId","end"}
 *        A token vouches for a connection of another bridge. /pusher/auth may be answered by any of
 *        them, and the connection has to end with its token wherever it is.
 */
#ifndef UNICHAT_DELIVERY_IDENTITY_NOTICE_H
#define UNICHAT_DELIVERY_IDENTITY_NOTICE_H

#include "db/pool.h"
#include "hub/hub.h"
#include "identity/token.h"

/* Takes a notice of either kind; what is neither is dropped with a line in the log. */
void identity_notice_take(hub *h, const verifier *v, revocations *revoked, const char *payload);

/* Has the token of `who` vouch for the connection with this socket id, here or at another bridge.
 * False when it is not here and the database cannot be asked to pass it on. */
bool identity_vouch(hub *h, const verifier *v, db_pool *pool, const caller *who,
                    const char *socket_id) __attribute__((warn_unused_result));

/* Closes the connections that live by a token which is good no more. */
void identity_review(hub *h, const verifier *v);

#endif
