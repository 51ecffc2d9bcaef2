/* token.h - JSON Web Tokens: verify those of the app's login, mint those of the demo and the
 * command line.
 *
 * The algorithm is the one that the configuration says, never the one that the token says. Required
 * are `role` ("player" or "staff"), `sub` (1 to 128 bytes) and `exp`; `name`, `nbf`, `iss` and
 * `aud` are looked at when they are there or wanted.
 */
#ifndef UNICHAT_IDENTITY_TOKEN_H
#define UNICHAT_IDENTITY_TOKEN_H

#include "config/config.h"
#include "identity/caller.h"

#define TOKEN_SUB_MAX 128
#define TOKEN_NAME_MAX 200

typedef struct token_key token_key;

/* The key of the settings: the secret, or the content of the PEM file. NULL when the file cannot be
 * read; then *why says so. The caller frees with token_key_free(). */
token_key *token_key_load(const config *conf, const char **why) __attribute__((warn_unused_result));
void token_key_free(token_key *key);

/* Who a token proves, for now (Unix time). On success a caller that the caller frees. On error
 * NULL, and *why is a constant text for whoever sent it. */
caller *token_verify(const token_key *key, const char *token, int64_t now, const char **why)
    __attribute__((warn_unused_result));

/* Signs a token for `who` with its expires_at. NULL where the key can only verify. The caller
 * frees. */
char *token_mint(const token_key *key, const caller *who, int64_t now)
    __attribute__((warn_unused_result));

#endif
