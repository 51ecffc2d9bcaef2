/* token.c - see token.h.
 *
 * libjose checks the signature. Which key may have made it is decided here, before: one whose
 * algorithm is the one in the token's header, and whose name is the token's kid. So the header
 * chooses among the keys that the operator has given and can bring in nothing else: not "none", not
 * a public key as an HMAC secret, not a key of its own (jwk, jku, x5c are not looked at).
 *
 * The claims are read from the very text that the signature covers.
 */
#include "identity/token.h"
#include "base/mem.h"
#include "base/text.h"

#include <jansson.h>
#include <jose/b64.h>
#include <jose/jws.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_BYTES_MAX 8192

/* libjose tells what it dislikes on standard error unless it is told to whom. */
static void say_nothing(void *misc, const char *file, int line, uint64_t err, const char *fmt,
                        va_list args)
{
    (void)misc, (void)file, (void)line, (void)err, (void)fmt, (void)args;
}

static jose_cfg_t *quiet(void)
{
    static jose_cfg_t *cfg;
    if (!cfg) {
        cfg = jose_cfg();
        jose_cfg_set_err_func(cfg, say_nothing, NULL);
    }
    return cfg;
}

/* ---- the signature ---- */

/* The object in a part of the token, or NULL. The caller drops the reference. */
static json_t *decode_part(const json_t *jws, const char *member)
{
    const json_t *part = json_object_get(jws, member);
    unsigned char *text;
    size_t len;
    if (!text_unbase64(json_string_value(part), json_string_length(part), &text, &len))
        return NULL;
    json_t *object = json_loadb((char *)text, len, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

/* The three parts as the object that libjose takes; NULL when they are not three. */
static json_t *split(const char *token)
{
    const char *first = strchr(token, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || strlen(token) > TOKEN_BYTES_MAX)
        return NULL;
    return json_pack("{s:s%, s:s%, s:s}", "protected", token, (size_t)(first - token), "payload",
                     first + 1, (size_t)(second - first - 1), "signature", second + 1);
}

/* The key that has signed it, or NULL and why. */
static const token_key *signing_key(const key_set *keys, const json_t *jws, const json_t *header,
                                    const char **why)
{
    const char *alg = json_string_value(json_object_get(header, "alg"));
    const char *kid = json_string_value(json_object_get(header, "kid"));
    *why = "the token is signed by a key or an algorithm that this server does not take";
    if (!alg || json_object_get(header, "crit"))
        return NULL;
    for (size_t i = 0; i < keys->count; i++) {
        if (!key_is_for(&keys->keys[i], alg, kid))
            continue;
        if (jose_jws_ver(quiet(), jws, NULL, keys->keys[i].jwk, false))
            return &keys->keys[i];
        *why = "the token's signature is wrong";
    }
    return NULL;
}

/* The verified payload, or NULL and why. The caller drops the reference. */
static json_t *verified_claims(const key_set *keys, const char *token, uint64_t *key_id,
                               const char **why)
{
    json_t *jws = split(token), *claims = NULL;
    json_t *header = jws ? decode_part(jws, "protected") : NULL;
    *why = "this is not a token";
    const token_key *by = header ? signing_key(keys, jws, header, why) : NULL;
    if (by) {
        *key_id = by->id;
        *why = "the token's claims are not an object";
        claims = decode_part(jws, "payload");
    }
    json_decref(header);
    json_decref(jws);
    return claims;
}

/* ---- the claims ---- */

/* True, with *value 0, when the claim is not there. False when it is not a number. */
static bool time_claim(const json_t *claims, const char *name, int64_t *value)
{
    const json_t *claim = json_object_get(claims, name);
    *value = 0;
    if (!claim)
        return true;
    if (!json_is_number(claim))
        return false;
    double seconds = json_number_value(claim);
    if (!(seconds >= 0 && seconds < 1e12))
        return false;
    *value = (int64_t)seconds;
    return true;
}

static const char *check_times(const config *conf, const json_t *claims, int64_t now, int64_t *exp,
                               int64_t *iat)
{
    int64_t nbf, leeway = conf->jwt_leeway / 1000;
    if (!time_claim(claims, "exp", exp) || *exp == 0)
        return "the token has no exp";
    if (*exp + leeway <= now)
        return "the token has expired";
    if (!time_claim(claims, "nbf", &nbf) || nbf > now + leeway)
        return "the token is not valid yet";
    if (!time_claim(claims, "iat", iat) || *iat > now + leeway)
        return "the token's iat is in the future";
    return NULL;
}

static bool has_text(const json_t *claim, const char *text)
{
    return json_is_string(claim) && strcmp(json_string_value(claim), text) == 0;
}

static bool has_audience(const json_t *claim, const char *wanted)
{
    size_t i;
    const json_t *one;
    if (!json_is_array(claim))
        return has_text(claim, wanted);
    json_array_foreach (claim, i, one)
        if (has_text(one, wanted))
            return true;
    return false;
}

static const char *check_parties(const config *conf, const json_t *claims)
{
    if (*conf->jwt_issuer != '\0' && !has_text(json_object_get(claims, "iss"), conf->jwt_issuer))
        return "the token is of another issuer";
    if (*conf->jwt_audience != '\0' &&
        !has_audience(json_object_get(claims, "aud"), conf->jwt_audience))
        return "the token is for another audience";
    return NULL;
}

/* jansson has refused NULs and invalid UTF-8 when it read the claims. */
static const char *check_subject(const json_t *claims, caller_role *role, const char **sub,
                                 const char **name)
{
    const char *role_name = json_string_value(json_object_get(claims, "role"));
    *sub = json_string_value(json_object_get(claims, "sub"));
    *name = json_string_value(json_object_get(claims, "name"));
    if (!role_name || !caller_role_parse(role_name, role))
        return "the token's role is neither player nor staff";
    if (!*sub || **sub == '\0' || strlen(*sub) > TOKEN_SUB_MAX)
        return "the token's sub is not 1 to 128 bytes";
    if (*name && strlen(*name) > TOKEN_NAME_MAX)
        return "the token's name is longer than 200 bytes";
    return NULL;
}

static caller *read_claims(const verifier *v, const json_t *claims, int64_t now, const char **why)
{
    int64_t exp = 0, iat = 0;
    caller_role role;
    const char *sub, *name;
    *why = check_times(v->conf, claims, now, &exp, &iat);
    if (!*why)
        *why = check_parties(v->conf, claims);
    if (!*why)
        *why = check_subject(claims, &role, &sub, &name);
    if (*why)
        return NULL;
    caller *who = caller_new(role, sub, name, exp);
    who->issued_at = iat;
    return who;
}

bool token_is_still_good(const verifier *v, const caller *who, const char **why)
{
    *why = "the token's key is not one of this server's any more";
    if (!key_set_has(v->keys, who->key))
        return false;
    *why = "the token has been revoked";
    return !revocations_cover(v->revoked, who, v->conf->jwt_leeway / 1000);
}

int64_t token_end(const verifier *v, const caller *who)
{
    return who->expires_at + v->conf->jwt_leeway / 1000;
}

caller *token_verify(const verifier *v, const char *token, int64_t now, const char **why)
{
    uint64_t key_id = 0;
    json_t *claims = verified_claims(v->keys, token, &key_id, why);
    caller *who = claims ? read_claims(v, claims, now, why) : NULL;
    json_decref(claims);
    if (!who)
        return NULL;
    who->key = key_id;
    if (token_is_still_good(v, who, why))
        return who;
    caller_free(who);
    return NULL;
}

/* ---- minting ---- */

static const char *text_in(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static void set_text(json_t *claims, const char *name, const char *text)
{
    if (*text != '\0')
        json_object_set_new(claims, name, json_string(text));
}

static json_t *claims_of(const config *conf, const caller *who, int64_t now)
{
    json_t *claims =
        json_pack("{s:s, s:s, s:I, s:I}", "role", caller_role_name(who->role), "sub", who->sub,
                  "iat", (json_int_t)now, "exp", (json_int_t)who->expires_at);
    set_text(claims, "name", who->name);
    set_text(claims, "iss", conf->jwt_issuer);
    set_text(claims, "aud", conf->jwt_audience);
    return claims;
}

static json_t *header_of(const token_key *k)
{
    json_t *header = json_pack("{s:s, s:s}", "alg", k->alg, "typ", "JWT");
    if (k->kid)
        set_text(header, "kid", k->kid);
    return header;
}

/* What k signs; NULL when it cannot. The caller frees. */
static char *sign(const token_key *k, const char *payload)
{
    char *token = NULL;
    json_t *jws = json_pack("{s:o}", "payload", jose_b64_enc(payload, strlen(payload)));
    json_t *signature = json_pack("{s:o}", "protected", header_of(k));
    if (jose_jws_sig(quiet(), jws, signature, k->jwk))
        token = mem_printf("%s.%s.%s", text_in(jws, "protected"), text_in(jws, "payload"),
                           text_in(jws, "signature"));
    json_decref(signature);
    json_decref(jws);
    return token;
}

char *token_mint(const verifier *v, const caller *who, int64_t now)
{
    const token_key *k = key_set_signer(v->keys);
    json_t *claims = claims_of(v->conf, who, now);
    char *payload = claims ? json_dumps(claims, JSON_COMPACT) : NULL;
    char *token = !k || !payload ? NULL : sign(k, payload);
    json_decref(claims);
    free(payload);
    return token;
}
