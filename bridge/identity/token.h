/* token.h - JSON Web Tokens: verify those of the app's login, mint those of the demo and the
 * command line.
 *
 * The algorithm is the key's, never the one that the token says. Required are `role` ("player" or
 * "staff"), `sub` (1 to 128 bytes) and `exp`; `name`, `iat`, `nbf`, `iss` and `aud` are looked at
 * when they are there or wanted. A token with `crit` asks for what this server does not know, and
 * is refused.
 */
#ifndef UNICHAT_IDENTITY_TOKEN_H
#define UNICHAT_IDENTITY_TOKEN_H

#include "config/config.h"
#include "identity/caller.h"
#include "identity/keys.h"
#include "identity/revocation.h"

#define TOKEN_SUB_MAX 128
#define TOKEN_NAME_MAX 200

/* What a token is judged by. It owns none of them; a reload replaces the keys. */
typedef struct verifier {
    const config *conf; /* issuer, audience and leeway */
    const key_set *keys;
    const revocations *revoked;
} verifier;

/* Who a token proves, for now (Unix time). On success a caller that the caller frees. On error
 * NULL, and *why is a constant text for whoever sent it. */
caller *token_verify(const verifier *v, const char *token, int64_t now, const char **why)
    __attribute__((warn_unused_result));

/* Whether the token that once proved `who` would still do so, its exp aside. On false *why is a
 * constant text for him. */
bool token_is_still_good(const verifier *v, const caller *who, const char **why);

/* When a token that proves `who` is accepted no more: its exp, and the leeway. Sooner, and a client
 * that is closed then would come back with it at once. */
int64_t token_end(const verifier *v, const caller *who);

/* Signs a token for `who` with its expires_at. NULL where no key can sign. The caller frees. */
char *token_mint(const verifier *v, const caller *who, int64_t now)
    __attribute__((warn_unused_result));

#endif
