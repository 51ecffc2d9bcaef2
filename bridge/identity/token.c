/* token.c - see token.h.
 *
 * libjwt checks the signature, by the algorithm in the token's header. A token that is signed by
 * another algorithm than the configured one is refused whatever its signature, so neither "none"
 * nor a public key used as an HMAC secret helps. The claims are read here, from the payload that
 * libjwt has verified.
 */
#include "identity/token.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <jansson.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_BYTES_MAX 8192
#define KEY_FILE_MAX 65536

struct token_key {
    const config *conf; /* issuer, audience and leeway may change by a reload */
    jwt_alg_t algorithm;
    unsigned char *bytes;
    int len;
};

static const char *read_key_file(token_key *key, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return strerror(errno);
    key->bytes = mem_alloc(KEY_FILE_MAX + 1);
    key->len = (int)fread(key->bytes, 1, KEY_FILE_MAX, f);
    fclose(f);
    return key->len > 0 ? NULL : "the file is empty";
}

token_key *token_key_load(const config *conf, const char **why)
{
    token_key *key = mem_new(token_key);
    key->conf = conf;
    key->algorithm = jwt_str_alg(conf->jwt_algorithm);
    *why = NULL;
    if (strncmp(conf->jwt_algorithm, "HS", 2) == 0) {
        key->bytes = (unsigned char *)mem_strdup(conf->jwt_secret);
        key->len = (int)strlen(conf->jwt_secret);
    } else {
        *why = read_key_file(key, conf->jwt_key_file);
    }
    if (*why == NULL)
        return key;
    token_key_free(key);
    return NULL;
}

void token_key_free(token_key *key)
{
    if (key == NULL)
        return;
    if (key->bytes != NULL)
        explicit_bzero(key->bytes, (size_t)key->len);
    free(key->bytes);
    free(key);
}

/* ---- verifying ---- */

/* The verified payload, or NULL and why. The caller drops the reference. */
static json_t *verified_claims(const token_key *key, const char *token, const char **why)
{
    jwt_t *jwt = NULL;
    json_t *claims = NULL;
    *why = "the token's signature is wrong";
    if (strlen(token) > TOKEN_BYTES_MAX || jwt_decode(&jwt, token, key->bytes, key->len) != 0)
        return NULL;
    if (jwt_get_alg(jwt) == key->algorithm) {
        char *text = jwt_get_grants_json(jwt, NULL);
        claims = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        free(text);
        *why = "the token's claims are not an object";
    } else {
        *why = "the token is signed by another algorithm than this server's";
    }
    jwt_free(jwt);
    return claims;
}

/* True, with *value 0, when the claim is not there. False when it is not a number. */
static bool time_claim(const json_t *claims, const char *name, int64_t *value)
{
    const json_t *claim = json_object_get(claims, name);
    *value = 0;
    if (claim == NULL)
        return true;
    if (!json_is_number(claim))
        return false;
    double seconds = json_number_value(claim);
    if (!(seconds >= 0 && seconds < 1e12))
        return false;
    *value = (int64_t)seconds;
    return true;
}

static const char *check_times(const config *conf, const json_t *claims, int64_t now, int64_t *exp)
{
    int64_t nbf, leeway = conf->jwt_leeway / 1000;
    if (!time_claim(claims, "exp", exp) || *exp == 0)
        return "the token has no exp";
    if (*exp + leeway <= now)
        return "the token has expired";
    if (!time_claim(claims, "nbf", &nbf) || nbf > now + leeway)
        return "the token is not valid yet";
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
    if (role_name == NULL || !caller_role_parse(role_name, role))
        return "the token's role is neither player nor staff";
    if (*sub == NULL || **sub == '\0' || strlen(*sub) > TOKEN_SUB_MAX)
        return "the token's sub is not 1 to 128 bytes";
    if (*name != NULL && strlen(*name) > TOKEN_NAME_MAX)
        return "the token's name is longer than 200 bytes";
    return NULL;
}

caller *token_verify(const token_key *key, const char *token, int64_t now, const char **why)
{
    json_t *claims = verified_claims(key, token, why);
    if (claims == NULL)
        return NULL;
    int64_t exp = 0;
    caller_role role;
    const char *sub, *name;
    *why = check_times(key->conf, claims, now, &exp);
    if (*why == NULL)
        *why = check_parties(key->conf, claims);
    if (*why == NULL)
        *why = check_subject(claims, &role, &sub, &name);
    caller *who = *why == NULL ? caller_new(role, sub, name, exp) : NULL;
    json_decref(claims);
    return who;
}

/* ---- minting ---- */

static bool add_claims(jwt_t *jwt, const config *conf, const caller *who, int64_t now)
{
    bool ok = jwt_add_grant(jwt, "role", caller_role_name(who->role)) == 0 &&
              jwt_add_grant(jwt, "sub", who->sub) == 0 && jwt_add_grant_int(jwt, "iat", now) == 0 &&
              jwt_add_grant_int(jwt, "exp", who->expires_at) == 0;
    if (ok && *who->name != '\0')
        ok = jwt_add_grant(jwt, "name", who->name) == 0;
    if (ok && *conf->jwt_issuer != '\0')
        ok = jwt_add_grant(jwt, "iss", conf->jwt_issuer) == 0;
    if (ok && *conf->jwt_audience != '\0')
        ok = jwt_add_grant(jwt, "aud", conf->jwt_audience) == 0;
    return ok;
}

char *token_mint(const token_key *key, const caller *who, int64_t now)
{
    jwt_t *jwt = NULL;
    char *token = NULL;
    if (strncmp(key->conf->jwt_algorithm, "HS", 2) != 0 || jwt_new(&jwt) != 0)
        return NULL;
    if (add_claims(jwt, key->conf, who, now) &&
        jwt_set_alg(jwt, key->algorithm, key->bytes, key->len) == 0)
        token = jwt_encode_str(jwt);
    jwt_free(jwt);
    return token;
}
