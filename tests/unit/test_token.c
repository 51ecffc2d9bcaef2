/* Tokens: what is accepted, and every way in which one is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "base/text.h"
#include "identity/token.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW 1700000000
#define CLAIMS(more) "{\"role\":\"player\",\"sub\":\"42\",\"exp\":1700000100" more "}"

static config settings = {.jwt_algorithm = "HS256",
                          .jwt_secret = SECRET,
                          .jwt_key_file = "",
                          .jwt_keys = "",
                          .jwt_issuer = "",
                          .jwt_audience = "",
                          .jwt_leeway = 30000};

/* What judges tokens by these settings; end_verifier() frees it. */
static verifier verifier_of(const config *conf)
{
    buf why = {0};
    verifier v = {conf, key_set_load(conf, &why), revocations_new()};
    if (!v.keys)
        fail_msg("%s", why.data);
    return v;
}

static void end_verifier(verifier *v)
{
    key_set_free((key_set *)v->keys);
    revocations_free((revocations *)v->revoked);
}

static char *signed_part(const char *header, const char *claims)
{
    char *h = text_base64url(header, strlen(header));
    char *c = text_base64url(claims, strlen(claims));
    char *text = mem_printf("%s.%s", h, c);
    free(h);
    free(c);
    return text;
}

/* A token made here, from scratch, with HMAC-SHA256. */
static char *hs256(const char *header, const char *claims, const void *secret, size_t len)
{
    unsigned char mac[32];
    unsigned mac_len;
    char *text = signed_part(header, claims);
    HMAC(EVP_sha256(), secret, (int)len, (unsigned char *)text, strlen(text), mac, &mac_len);
    char *signature = text_base64url(mac, mac_len);
    char *token = mem_printf("%s.%s", text, signature);
    free(text);
    free(signature);
    return token;
}

static caller *verify(const config *conf, const char *header, const char *claims, const char **why)
{
    verifier v = verifier_of(conf);
    char *token = hs256(header, claims, SECRET, strlen(SECRET));
    caller *who = token_verify(&v, token, NOW, why);
    free(token);
    end_verifier(&v);
    return who;
}

#define HS256_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void accept(const config *conf, const char *claims)
{
    const char *why;
    caller *who = verify(conf, HS256_HEADER, claims, &why);
    if (!who)
        fail_msg("%s: %s", claims, why);
    caller_free(who);
}

static void refuse(const config *conf, const char *claims, const char *reason)
{
    const char *why;
    caller *who = verify(conf, HS256_HEADER, claims, &why);
    if (who)
        fail_msg("accepted: %s", claims);
    if (!strstr(why, reason))
        fail_msg("%s: \"%s\" instead of \"%s\"", claims, why, reason);
}

static void a_good_token_says_who(void **state)
{
    (void)state;
    const char *why;
    caller *who = verify(
        &settings, HS256_HEADER,
        "{\"role\":\"staff\",\"sub\":\"grace\",\"name\":\"Grace Ü\",\"exp\":1700000100}", &why);
    assert_non_null(who);
    assert_int_equal(who->role, CALLER_STAFF);
    assert_string_equal(who->sub, "grace");
    assert_string_equal(who->name, "Grace Ü");
    assert_int_equal(who->expires_at, 1700000100);
    caller_free(who);
}

static void times_are_checked_with_leeway(void **state)
{
    (void)state;
    refuse(&settings, "{\"role\":\"player\",\"sub\":\"42\"}", "no exp");
    refuse(&settings, "{\"role\":\"player\",\"sub\":\"42\",\"exp\":\"1700000100\"}", "no exp");
    refuse(&settings, "{\"role\":\"player\",\"sub\":\"42\",\"exp\":-1}", "no exp");
    refuse(&settings, "{\"role\":\"player\",\"sub\":\"42\",\"exp\":1699999970}", "expired");
    accept(&settings, "{\"role\":\"player\",\"sub\":\"42\",\"exp\":1699999971}");
    accept(&settings, "{\"role\":\"player\",\"sub\":\"42\",\"exp\":1700000100.5}");
    refuse(&settings, "{\"role\":\"player\",\"sub\":\"42\",\"exp\":1e308}", "no exp");
    refuse(&settings, "{\"role\":\"player\",\"sub\":\"42\",\"exp\":true}", "no exp");
    refuse(&settings, "{\"role\":\"player\",\"sub\":\"42\",\"exp\":null}", "no exp");
    refuse(&settings, "{\"role\":\"player\",\"sub\":\"42\",\"exp\":99999999999999999999}",
           "object");
    refuse(&settings, CLAIMS(",\"exp\":1700000200"), "object"); /* twice */
    refuse(&settings, "[1]", "object");
    refuse(&settings, CLAIMS(",\"nbf\":1700000031"), "not valid yet");
    refuse(&settings, CLAIMS(",\"nbf\":\"1700000000\""), "not valid yet");
    refuse(&settings, CLAIMS(",\"nbf\":-1"), "not valid yet");
    refuse(&settings, CLAIMS(",\"iat\":1700000031"), "future");
    accept(&settings, CLAIMS(",\"iat\":1700000030"));
    accept(&settings, CLAIMS(",\"nbf\":1700000030"));
}

static void the_subject_is_checked(void **state)
{
    (void)state;
    char claims[400], id[130];
    refuse(&settings, "{\"role\":\"admin\",\"sub\":\"42\",\"exp\":1700000100}", "role");
    refuse(&settings, "{\"sub\":\"42\",\"exp\":1700000100}", "role");
    refuse(&settings, "{\"role\":\"player\",\"exp\":1700000100}", "sub");
    refuse(&settings, "{\"role\":\"player\",\"sub\":42,\"exp\":1700000100}", "sub");
    refuse(&settings, "{\"role\":\"player\",\"sub\":\"\",\"exp\":1700000100}", "sub");
    memset(id, 'x', 129);
    id[129] = '\0';
    snprintf(claims, sizeof(claims), "{\"role\":\"player\",\"sub\":\"%s\",\"exp\":1700000100}", id);
    refuse(&settings, claims, "sub");
    snprintf(claims, sizeof(claims), "{\"role\":\"player\",\"sub\":\"%s\",\"exp\":1700000100}",
             id + 1);
    accept(&settings, claims);
}

static void issuer_and_audience_are_checked_when_configured(void **state)
{
    (void)state;
    config conf = settings;
    conf.jwt_issuer = "login";
    conf.jwt_audience = "chat";
    refuse(&conf, CLAIMS(""), "issuer");
    refuse(&conf, CLAIMS(",\"iss\":\"other\",\"aud\":\"chat\""), "issuer");
    refuse(&conf, CLAIMS(",\"iss\":\"login\""), "audience");
    refuse(&conf, CLAIMS(",\"iss\":\"login\",\"aud\":[\"shop\"]"), "audience");
    refuse(&conf, CLAIMS(",\"iss\":\"login\",\"aud\":[]"), "audience");
    refuse(&conf, CLAIMS(",\"iss\":\"login\",\"aud\":[[\"chat\"],{\"chat\":1},7,null]"),
           "audience");
    refuse(&conf, CLAIMS(",\"iss\":\"login\",\"aud\":{\"chat\":\"chat\"}"), "audience");
    refuse(&conf, CLAIMS(",\"iss\":[\"login\"],\"aud\":\"chat\""), "issuer");
    accept(&conf, CLAIMS(",\"iss\":\"login\",\"aud\":\"chat\""));
    accept(&conf, CLAIMS(",\"iss\":\"login\",\"aud\":[\"shop\",\"chat\"]"));
}

static void a_changed_token_is_refused(void **state)
{
    (void)state;
    const char *why;
    verifier v = verifier_of(&settings);
    char *token = hs256(HS256_HEADER, CLAIMS(""), SECRET, strlen(SECRET));
    for (size_t i = 0; i < strlen(token); i++) {
        char kept = token[i];
        if (i == strlen(token) - 1 || kept == '.')
            continue; /* the last digit has bits that mean nothing */
        token[i] = kept == 'A' ? 'B' : 'A';
        caller *who = token_verify(&v, token, NOW, &why);
        if (who)
            fail_msg("accepted with a changed byte %zu", i);
        token[i] = kept;
    }
    free(token);
    end_verifier(&v);
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    ".",        "..",   "a.b.c",
                                      "abc", "e30.e30.", "....", "eyJhbGciOiJIUzI1NiJ9..x"};
    const char *why;
    verifier v = verifier_of(&settings);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(token_verify(&v, bad[i], NOW, &why));
    char *huge = mem_alloc(20001);
    memset(huge, 'x', 20000);
    assert_null(token_verify(&v, huge, NOW, &why));
    free(huge);
    end_verifier(&v);
}

static void the_algorithm_is_the_configured_one(void **state)
{
    (void)state;
    static const char *const headers[] = {"{\"alg\":\"none\"}",  "{\"alg\":\"None\"}",
                                          "{\"alg\":\"HS384\"}", "{\"alg\":\"RS256\"}",
                                          "{\"alg\":\"\"}",      "{}"};
    const char *why;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_null(verify(&settings, headers[i], CLAIMS(""), &why));
    verifier v = verifier_of(&settings);
    char *text = signed_part("{\"alg\":\"none\"}", CLAIMS(""));
    char *unsigned_token = mem_printf("%s.", text);
    assert_null(token_verify(&v, unsigned_token, NOW, &why));
    free(unsigned_token);
    free(text);
    end_verifier(&v);
}

/* An RSA pair; the public half goes to a file whose path the caller frees and removes. */
static EVP_PKEY *rsa_pair(char **public_path)
{
    EVP_PKEY *pair = EVP_RSA_gen(2048);
    *public_path = mem_strdup("/tmp/unichat-rsa-XXXXXX");
    FILE *f = fdopen(mkstemp(*public_path), "w");
    assert_int_equal(PEM_write_PUBKEY(f, pair), 1);
    fclose(f);
    return pair;
}

static char *rs256(EVP_PKEY *pair, const char *claims)
{
    unsigned char signature[512];
    size_t len = sizeof(signature);
    char *text = signed_part("{\"alg\":\"RS256\"}", claims);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pair), 1);
    assert_int_equal(
        EVP_DigestSign(ctx, signature, &len, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(ctx);
    char *coded = text_base64url(signature, len);
    char *token = mem_printf("%s.%s", text, coded);
    free(text);
    free(coded);
    return token;
}

static void a_public_key_verifies_and_is_no_secret(void **state)
{
    (void)state;
    const char *why;
    char pem[2048] = "", *path;
    EVP_PKEY *pair = rsa_pair(&path);
    config conf = settings;
    conf.jwt_algorithm = "RS256";
    conf.jwt_key_file = path;
    verifier v = verifier_of(&conf);

    char *good = rs256(pair, CLAIMS(""));
    caller *who = token_verify(&v, good, NOW, &why);
    assert_non_null(who);
    assert_null(token_mint(&v, who, NOW));
    caller_free(who);
    free(good);

    /* The classic: HMAC with the public key, which everybody has, as the secret. */
    FILE *f = fopen(path, "r");
    size_t len = fread(pem, 1, sizeof(pem), f);
    fclose(f);
    char *forged = hs256(HS256_HEADER, CLAIMS(""), pem, len);
    assert_null(token_verify(&v, forged, NOW, &why));
    free(forged);

    end_verifier(&v);
    unlink(path);
    free(path);
    EVP_PKEY_free(pair);
}

static void what_is_minted_is_accepted(void **state)
{
    (void)state;
    const char *why;
    config conf = settings;
    conf.jwt_issuer = "bridge";
    conf.jwt_audience = "chat";
    verifier v = verifier_of(&conf);
    caller *who = caller_new(CALLER_STAFF, "grace \"x\"", "Grace", NOW + 60);
    char *token = token_mint(&v, who, NOW);
    assert_non_null(token);
    caller *back = token_verify(&v, token, NOW, &why);
    assert_non_null(back);
    assert_string_equal(back->sub, "grace \"x\"");
    assert_string_equal(back->name, "Grace");
    assert_int_equal(back->expires_at, NOW + 60);
    caller_free(back);
    caller_free(who);
    free(token);
    end_verifier(&v);
}

/* ---- several keys ---- */

/* The settings have no usable keys, and are told why. */
static void refuse_keys(const config *conf, const char *reason)
{
    buf why = {0};
    assert_null(key_set_load(conf, &why));
    if (!strstr(why.data, reason))
        fail_msg("\"%s\" instead of \"%s\"", why.data, reason);
    buf_free(&why);
}

static void refuse_set(const char *jwks, const char *reason)
{
    config conf = settings;
    conf.jwt_secret = "";
    conf.jwt_keys = jwks;
    refuse_keys(&conf, reason);
}

static config with_keys(const char *jwks)
{
    config conf = settings;
    conf.jwt_secret = "";
    conf.jwt_keys = jwks;
    return conf;
}

/* "0123456789abcdef0123456789abcdef" and "another secret, long enough: 32.". */
#define OLD_K "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
#define NEW_SECRET "another secret, long enough: 32."
#define NEW_K "YW5vdGhlciBzZWNyZXQsIGxvbmcgZW5vdWdoOiAzMi4"
#define OCT(kid, k) "{\"kty\":\"oct\",\"alg\":\"HS256\"," kid "\"k\":\"" k "\"}"
#define OLD_KEY OCT("\"kid\":\"old\",", OLD_K)
#define NEW_KEY OCT("\"kid\":\"new\",", NEW_K)
#define HEADER(kid) "{\"alg\":\"HS256\",\"kid\":\"" kid "\"}"

static bool accepts(const verifier *v, const char *header, const char *secret)
{
    const char *why;
    char *token = hs256(header, CLAIMS(""), secret, strlen(secret));
    caller *who = token_verify(v, token, NOW, &why);
    bool ok = who != NULL;
    free(token);
    caller_free(who);
    return ok;
}

static void a_token_says_which_of_the_keys(void **state)
{
    (void)state;
    config conf = with_keys("{\"keys\":[" OLD_KEY "," NEW_KEY "]}");
    verifier v = verifier_of(&conf);
    assert_true(accepts(&v, HEADER("old"), SECRET));
    assert_true(accepts(&v, HEADER("new"), NEW_SECRET));
    assert_false(accepts(&v, HEADER("new"), SECRET));
    assert_false(accepts(&v, HEADER("old"), NEW_SECRET));
    assert_false(accepts(&v, HEADER("other"), SECRET));
    assert_false(accepts(&v, HEADER("../../dev/null"), ""));
    assert_false(accepts(&v, HS256_HEADER, SECRET));
    assert_false(accepts(&v, "{\"alg\":\"HS256\",\"kid\":7}", SECRET));
    end_verifier(&v);
}

static void a_key_without_a_name_is_for_every_token(void **state)
{
    (void)state;
    config conf = with_keys("{\"keys\":[" OCT("", OLD_K) "," OCT("", NEW_K) "]}");
    verifier v = verifier_of(&conf);
    assert_true(accepts(&v, HS256_HEADER, SECRET));
    assert_true(accepts(&v, HS256_HEADER, NEW_SECRET));
    assert_true(accepts(&v, HEADER("any"), NEW_SECRET));
    assert_false(accepts(&v, HS256_HEADER, "a third secret, long enough: 32 "));
    end_verifier(&v);
}

static void a_key_that_is_gone_vouches_for_nobody(void **state)
{
    (void)state;
    const char *why;
    config both = with_keys("{\"keys\":[" OLD_KEY "," NEW_KEY "]}");
    config one = with_keys("{\"keys\":[" NEW_KEY "]}");
    verifier v = verifier_of(&both), later = verifier_of(&one);
    char *token = hs256(HEADER("old"), CLAIMS(""), SECRET, strlen(SECRET));
    caller *who = token_verify(&v, token, NOW, &why);
    assert_non_null(who);
    assert_true(token_is_still_good(&v, who, &why));
    assert_false(token_is_still_good(&later, who, &why));
    assert_null(token_verify(&later, token, NOW, &why));
    free(token);
    caller_free(who);
    end_verifier(&v);
    end_verifier(&later);
}

/* The same material by another name, or from another setting, is the same key. */
static void a_key_is_its_material(void **state)
{
    (void)state;
    config set = with_keys("{\"keys\":[" OCT("", OLD_K) "]}");
    verifier a = verifier_of(&settings), b = verifier_of(&set);
    assert_true(key_set_has(b.keys, a.keys->keys[0].id));
    end_verifier(&a);
    end_verifier(&b);
}

static void a_token_cannot_bring_its_own_key(void **state)
{
    (void)state;
    verifier v = verifier_of(&settings);
    char *header =
        mem_printf("{\"alg\":\"HS256\",\"jwk\":%s,\"jku\":\"https://evil.example/\"}", NEW_KEY);
    assert_false(accepts(&v, header, NEW_SECRET));
    assert_true(accepts(&v, header, SECRET));
    free(header);
    assert_false(accepts(&v, "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", SECRET));
    assert_false(accepts(&v, "{\"alg\":\"none\",\"alg\":\"HS256\"}", SECRET));
    end_verifier(&v);
}

static void a_set_that_cannot_be_used_is_told(void **state)
{
    (void)state;
    refuse_set("no", "not a JWK Set");
    refuse_set("{\"keys\":{}}", "not a JWK Set");
    refuse_set("{\"keys\":[]}", "no key");
    refuse_set("{\"keys\":[7, {}]}", "no key");
    refuse_set("{\"keys\":[" OCT("\"use\":\"enc\",", OLD_K) "]}", "no key");
    refuse_set("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"x\":\"AA\"}]}",
               "no key");
    refuse_set("{\"keys\":[" OCT("\"kid\":\"a\",", "c2hvcnQ") "]}", "shorter");
    refuse_set("{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"HS256\",\"n\":\"AQ\",\"e\":\"AQAB\"}]}",
               "another kind");
    refuse_set("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}]}", "another kind");
    refuse_set("{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-384\"}]}", "curve");
    refuse_set("{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":"
               "\"AQ\"}]}",
               "not a public key");
    refuse_set("{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-256\",\"d\":\"AQ\"}]}",
               "private");
}

static void a_secret_is_as_long_as_its_hash(void **state)
{
    (void)state;
    config conf = settings;
    conf.jwt_algorithm = "HS512";
    refuse_keys(&conf, "shorter");
}

/* ---- revocation ---- */

static bool revoked(int64_t iat, int64_t until, caller_role role, const char *sub)
{
    const char *why;
    char *claims = iat == 0 ? mem_strdup(CLAIMS(""))
                            : mem_printf("{\"role\":\"player\",\"sub\":\"42\",\"exp\":1700000100,"
                                         "\"iat\":%lld}",
                                         (long long)iat);
    char *token = hs256(HS256_HEADER, claims, SECRET, strlen(SECRET));
    verifier v = verifier_of(&settings);
    assert_true(revocations_add((revocations *)v.revoked, role, sub, until));
    caller *who = token_verify(&v, token, NOW, &why);
    bool refused = !who;
    caller_free(who);
    end_verifier(&v);
    free(token);
    free(claims);
    return refused;
}

static void a_revocation_is_of_what_was_issued_before(void **state)
{
    (void)state;
    assert_true(revoked(NOW - 100, NOW - 100, CALLER_PLAYER, "42"));
    assert_true(revoked(NOW - 70, NOW - 100, CALLER_PLAYER, "42")); /* the leeway: 30 s */
    assert_false(revoked(NOW - 69, NOW - 100, CALLER_PLAYER, "42"));
    assert_true(revoked(0, NOW - 100, CALLER_PLAYER, "42")); /* it does not say when */
    assert_false(revoked(NOW - 100, NOW, CALLER_STAFF, "42"));
    assert_false(revoked(NOW - 100, NOW, CALLER_PLAYER, "4"));
}

static void revocations_come_in_any_order(void **state)
{
    (void)state;
    revocations *list = revocations_new();
    caller *who = caller_new(CALLER_PLAYER, "42", NULL, NOW);
    who->issued_at = 150;
    assert_false(revocations_cover(list, who, 0));
    assert_true(revocations_add(list, CALLER_PLAYER, "42", 200));
    assert_false(revocations_add(list, CALLER_PLAYER, "42", 100));
    assert_false(revocations_add(list, CALLER_PLAYER, "42", 200));
    assert_true(revocations_cover(list, who, 0));
    assert_int_equal(revocations_count(list), 1);
    caller_free(who);
    revocations_free(list);
}

static void a_key_file_that_is_missing_is_told(void **state)
{
    (void)state;
    config conf = settings;
    conf.jwt_algorithm = "ES256";
    conf.jwt_key_file = "/nonexistent.pem";
    refuse_keys(&conf, "jwt_key_file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_says_who),
        cmocka_unit_test(times_are_checked_with_leeway),
        cmocka_unit_test(the_subject_is_checked),
        cmocka_unit_test(issuer_and_audience_are_checked_when_configured),
        cmocka_unit_test(a_changed_token_is_refused),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(the_algorithm_is_the_configured_one),
        cmocka_unit_test(a_public_key_verifies_and_is_no_secret),
        cmocka_unit_test(what_is_minted_is_accepted),
        cmocka_unit_test(a_token_says_which_of_the_keys),
        cmocka_unit_test(a_key_without_a_name_is_for_every_token),
        cmocka_unit_test(a_key_that_is_gone_vouches_for_nobody),
        cmocka_unit_test(a_key_is_its_material),
        cmocka_unit_test(a_token_cannot_bring_its_own_key),
        cmocka_unit_test(a_set_that_cannot_be_used_is_told),
        cmocka_unit_test(a_secret_is_as_long_as_its_hash),
        cmocka_unit_test(a_revocation_is_of_what_was_issued_before),
        cmocka_unit_test(revocations_come_in_any_order),
        cmocka_unit_test(a_key_file_that_is_missing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
