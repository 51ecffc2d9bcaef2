/* revocation.h - whose tokens are refused although their signature and exp are right.
 *
 * A revocation is of an identity, not of one token: every token of (role, sub) that was issued up
 * to a moment is refused, and so is one that does not say when it was issued. A later login has a
 * later iat and is accepted, so there is nothing to take back. The table chat_revocations is the
 * truth; this is what a bridge knows of it, and it keeps that while the database is away.
 */
#ifndef UNICHAT_IDENTITY_REVOCATION_H
#define UNICHAT_IDENTITY_REVOCATION_H

#include "identity/caller.h"

#include <stddef.h>

typedef struct revocations revocations;

revocations *revocations_new(void) __attribute__((warn_unused_result));
void revocations_free(revocations *list);

/* Refuses what was issued up to `until` (Unix time). An earlier moment than one that is known
 * changes nothing, so adding in any order, and twice, is fine. Whether it was news. */
bool revocations_add(revocations *list, caller_role role, const char *sub, int64_t until);

/* Whether the token of `who` is refused. A login whose clock is `leeway` seconds ahead gives its
 * tokens so much too late an iat: those are meant too. */
bool revocations_cover(const revocations *list, const caller *who, int64_t leeway);

size_t revocations_count(const revocations *list);

#endif
