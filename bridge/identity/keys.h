/* keys.h - the keys that tokens may be signed with.
 *
 * One key comes from jwt_secret or jwt_key_file; several come from jwt_keys, a JWK Set (RFC 7517).
 * Every key is for one algorithm: its own `alg`, else jwt_algorithm. A key that has a `kid` is for
 * tokens that name it, a key without one for every token.
 *
 *     rotating:  {old}  --SIGHUP-->  {old, new}  --the login signs with new, old tokens expire-->
 *                {new}  what the old key has signed is refused from here on
 */
#ifndef UNICHAT_IDENTITY_KEYS_H
#define UNICHAT_IDENTITY_KEYS_H

#include "base/buf.h"
#include "config/config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct token_key {
    json_t *jwk;
    const char *alg; /* of the jwk */
    const char *kid; /* NULL: without a name */
    uint64_t id;     /* of its material (RFC 7638), never 0: the same in every key set */
} token_key;

typedef struct key_set {
    token_key *keys;
    size_t count;
} key_set;

/* The keys of the settings. On success a set of one or more, which the caller frees. On error NULL,
 * and `why` gets one line; never a part of a key. */
key_set *key_set_load(const config *conf, buf *why) __attribute__((warn_unused_result));
void key_set_free(key_set *set);

/* Whether a key may verify a token whose header says alg and kid (NULL: none). */
bool key_is_for(const token_key *k, const char *alg, const char *kid);

/* Whether a key with this id is in the set. */
bool key_set_has(const key_set *set, uint64_t id);

/* The first key that can sign, an HMAC secret; NULL when all can only verify. */
const token_key *key_set_signer(const key_set *set);

#endif
