/* throttle.h - how much one caller may ask of the HTTP API. Each answers 429 with Retry-After where
 * it is too much.
 *
 * Counted by identity, not by address: two connections of one player share, two players behind one
 * address do not. Only where nobody is proven, by address.
 */
#ifndef UNICHAT_API_THROTTLE_H
#define UNICHAT_API_THROTTLE_H

#include "api/api.h"

/* Before the others. */
void throttle_start(void);

/* Any call. False after 429 was answered. */
bool throttle_call(const api *a, http_request *req, const caller *who)
    __attribute__((warn_unused_result));

/* A message of a player; the staff has no limit of its own. False after 429 was answered. */
bool throttle_message(const api *a, http_request *req, const caller *who)
    __attribute__((warn_unused_result));

/* The player's message was stored before: it costs nothing. */
void throttle_return_message(const api *a, const char *player_id);

/* A wrong token or password, by address. False after 429 was answered. */
bool throttle_failure(const api *a, http_request *req) __attribute__((warn_unused_result));

/* The same at a handshake, where an answer is another's: the seconds to wait, or 0. */
unsigned throttle_failed_handshake(const api *a, const char *peer)
    __attribute__((warn_unused_result));

/* It was none. */
void throttle_return_failure(const api *a, http_request *req);

/* The database has refused a new request: answers 429. `who` names the player, for the log. */
void throttle_new_request(http_request *req, unsigned seconds, const char *who);

#endif
