/*
 * vouch.h - whose word a connection lives by, and that it ends with that word.
 *
 * A token vouches for a connection when it came with the handshake, and when the authorization of
 * a private channel or of a sign-in was given out to its bearer. The connection is closed with 4009
 * when one of its tokens expires, unless the same identity has brought a later one, or when one is
 * found to be good no more. It counts for the identity of its first token, and is closed with 4100
 * where that has as many connections as it may. A vouch gives no rights: those come from the
 * handshake's token and from signatures, as ever.
 */
#ifndef UNICHAT_HUB_VOUCH_H
#define UNICHAT_HUB_VOUCH_H

#include "hub/hub.h"
#include "identity/caller.h"

/* The connection with this socket id lives by the token of `who`, which is copied, until that Unix
 * time; one that speaks for more than a few identities is closed. False when there is no such
 * connection here. */
bool hub_vouch(hub *h, const char *socket_id, const caller *who, int64_t until);

/* Asks about every token that vouches for a connection, and closes those for which is_good says no
 * and why, a constant text for the client. */
void hub_review_vouches(hub *h, bool (*is_good)(void *arg, const caller *who, const char **why),
                        void *arg);

/* The connection goes. */
void vouches_drop(hub_conn *conn);

#endif
