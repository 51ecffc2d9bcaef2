/* keys.c - see keys.h.
 *
 * Whatever the source, a key becomes a JWK whose `alg` is set and fits its material: libjose then
 * refuses a token of any other algorithm, so a public key is never taken for an HMAC secret. Keys
 * too short for their algorithm (RFC 7518) are refused here, when they are loaded, and not when the
 * first token comes. What a set may hold and this server has no use for (keys for encryption, kinds
 * that libjose does not know) is left out, as RFC 7517 wants, with a line in the log.
 */
#include "identity/keys.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <jose/b64.h>
#include <jose/jwk.h>
#include <jose/openssl.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define OCT_BYTES_MAX 1024 /* libjose's */
#define RSA_BITS_MIN 2048

static const struct algorithm {
    const char *name, *kty, *crv;
    size_t oct_min; /* bytes: as long as the hash */
} algorithms[] = {
    {"HS256", "oct", NULL, 32},  {"HS384", "oct", NULL, 48},  {"HS512", "oct", NULL, 64},
    {"RS256", "RSA", NULL, 0},   {"RS384", "RSA", NULL, 0},   {"RS512", "RSA", NULL, 0},
    {"PS256", "RSA", NULL, 0},   {"PS384", "RSA", NULL, 0},   {"PS512", "RSA", NULL, 0},
    {"ES256", "EC", "P-256", 0}, {"ES384", "EC", "P-384", 0}, {"ES512", "EC", "P-521", 0},
};

static const struct algorithm *algorithm_find(const char *name)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

static const char *text_of(const json_t *jwk, const char *member)
{
    const char *text = json_string_value(json_object_get(jwk, member));
    return text ? text : "";
}

/* ---- is it fit for its algorithm? ---- */

static const char *check_secret(const json_t *jwk, const struct algorithm *a)
{
    size_t len = jose_b64_dec(json_object_get(jwk, "k"), NULL, 0);
    if (len == SIZE_MAX)
        return "its k is not base64url";
    if (len < a->oct_min)
        return "is shorter than its algorithm's hash; make one with: openssl rand -base64 64";
    return len > OCT_BYTES_MAX ? "is longer than 1024 bytes" : NULL;
}

static const char *check_public(const json_t *jwk, const struct algorithm *a)
{
    if (json_object_get(jwk, "d"))
        return "is a private key; give the bridge the public one alone";
    if (a->crv && strcmp(text_of(jwk, "crv"), a->crv) != 0)
        return "is on another curve than its algorithm's";
    EVP_PKEY *pkey = jose_openssl_jwk_to_EVP_PKEY(NULL, jwk);
    int bits = pkey ? EVP_PKEY_bits(pkey) : 0;
    EVP_PKEY_free(pkey);
    if (bits == 0)
        return "is not a public key";
    return !a->crv && bits < RSA_BITS_MIN ? "is shorter than 2048 bits" : NULL;
}

/* What is wrong with it, or NULL. */
static const char *check_key(const json_t *jwk)
{
    const struct algorithm *a = algorithm_find(text_of(jwk, "alg"));
    if (!a)
        return "has an alg that is not supported";
    if (strcmp(text_of(jwk, "kty"), a->kty) != 0)
        return "is of another kind than its alg, or else jwt_algorithm, needs";
    return strcmp(a->kty, "oct") == 0 ? check_secret(jwk, a) : check_public(jwk, a);
}

static uint64_t id_of(const json_t *jwk)
{
    unsigned char thumbprint[32];
    uint64_t id = 0;
    if (jose_jwk_thp_buf(NULL, jwk, "S256", thumbprint, sizeof(thumbprint)) == sizeof(thumbprint))
        memcpy(&id, thumbprint, sizeof(id));
    return id == 0 ? 1 : id;
}

/* Adds it, taking over the reference; or false and why. */
static bool add_key(key_set *set, json_t *jwk, buf *why)
{
    const char *wrong = check_key(jwk);
    if (wrong) {
        buf_printf(why, "the key %s %s", LOG_Q(text_of(jwk, "kid")), wrong);
        json_decref(jwk);
        return false;
    }
    set->keys = mem_realloc(set->keys, (set->count + 1) * sizeof(set->keys[0]));
    set->keys[set->count++] = (token_key){.jwk = jwk,
                                          .alg = text_of(jwk, "alg"),
                                          .kid = json_string_value(json_object_get(jwk, "kid")),
                                          .id = id_of(jwk)};
    return true;
}

/* ---- jwt_secret, jwt_key_file ---- */

static json_t *secret_jwk(const config *conf)
{
    return json_pack("{s:s, s:s, s:o}", "kty", "oct", "alg", conf->jwt_algorithm, "k",
                     jose_b64_enc(conf->jwt_secret, strlen(conf->jwt_secret)));
}

static json_t *pem_jwk(const config *conf, buf *why)
{
    FILE *f = fopen(conf->jwt_key_file, "re");
    if (!f) {
        buf_printf(why, "jwt_key_file: %s", strerror(errno));
        return NULL;
    }
    EVP_PKEY *pkey = PEM_read_PUBKEY(f, NULL, NULL, NULL);
    json_t *jwk = pkey ? jose_openssl_jwk_from_EVP_PKEY(NULL, pkey) : NULL;
    EVP_PKEY_free(pkey);
    fclose(f);
    if (!jwk)
        buf_puts(why, "jwt_key_file: is not a PEM file of an RSA or EC public key");
    else
        json_object_set_new(jwk, "alg", json_string(conf->jwt_algorithm));
    return jwk;
}

static bool add_single(key_set *set, const config *conf, buf *why)
{
    bool is_secret = strncmp(conf->jwt_algorithm, "HS", 2) == 0;
    json_t *jwk = is_secret ? secret_jwk(conf) : pem_jwk(conf, why);
    return jwk && add_key(set, jwk, why);
}

/* ---- jwt_keys ---- */

static bool is_of_use(const json_t *jwk)
{
    const char *use = text_of(jwk, "use"), *kty = text_of(jwk, "kty");
    bool known = algorithm_find(text_of(jwk, "alg")) &&
                 (strcmp(kty, "oct") == 0 || strcmp(kty, "RSA") == 0 || strcmp(kty, "EC") == 0);
    if (*use != '\0' && strcmp(use, "sig") != 0)
        return false;
    if (!known)
        log_warning("event=jwt_key_left_out kid=%s kty=%s alg=%s hint=%s",
                    LOG_Q(text_of(jwk, "kid")), LOG_Q(kty), LOG_Q(text_of(jwk, "alg")),
                    LOG_Q("tokens of this key are refused: its algorithm is not supported"));
    return known;
}

static bool add_of_set(key_set *set, const config *conf, json_t *jwks, buf *why)
{
    size_t i;
    json_t *jwk;
    json_array_foreach (json_object_get(jwks, "keys"), i, jwk) {
        if (json_is_object(jwk) && !json_object_get(jwk, "alg"))
            json_object_set_new(jwk, "alg", json_string(conf->jwt_algorithm));
        if (is_of_use(jwk) && !add_key(set, json_incref(jwk), why))
            return false;
    }
    return true;
}

static bool add_all(key_set *set, const config *conf, buf *why)
{
    json_t *jwks = json_loads(conf->jwt_keys, JSON_REJECT_DUPLICATES, NULL);
    bool ok = json_is_array(json_object_get(jwks, "keys"));
    if (!ok)
        buf_puts(why, "jwt_keys: is not a JWK Set, {\"keys\":[...]}");
    ok = ok && add_of_set(set, conf, jwks, why);
    json_decref(jwks);
    if (ok && set->count == 0)
        buf_puts(why, "jwt_keys: has no key that can be used");
    return ok && set->count > 0;
}

/* ---- the set ---- */

key_set *key_set_load(const config *conf, buf *why)
{
    key_set *set = mem_new(key_set);
    if (*conf->jwt_keys == '\0' ? add_single(set, conf, why) : add_all(set, conf, why))
        return set;
    key_set_free(set);
    return NULL;
}

void key_set_free(key_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        json_decref(set->keys[i].jwk);
    free(set->keys);
    free(set);
}

bool key_is_for(const token_key *k, const char *alg, const char *kid)
{
    return strcmp(k->alg, alg) == 0 && (!k->kid || (kid && strcmp(k->kid, kid) == 0));
}

bool key_set_has(const key_set *set, uint64_t id)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->keys[i].id == id)
            return true;
    return false;
}

const token_key *key_set_signer(const key_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (strncmp(set->keys[i].alg, "HS", 2) == 0)
            return &set->keys[i];
    return NULL;
}
