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
                          .jwt_issuer = "",
                          .jwt_audience = "",
                          .jwt_leeway = 30000};

static token_key *key_of(const config *conf)
{
    const char *why;
    token_key *key = token_key_load(conf, &why);
    if (key == NULL)
        fail_msg("%s", why);
    return key;
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
    token_key *key = key_of(conf);
    char *token = hs256(header, claims, SECRET, strlen(SECRET));
    caller *who = token_verify(key, token, NOW, why);
    free(token);
    token_key_free(key);
    return who;
}

#define HS256_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void accept(const config *conf, const char *claims)
{
    const char *why;
    caller *who = verify(conf, HS256_HEADER, claims, &why);
    if (who == NULL)
        fail_msg("%s: %s", claims, why);
    caller_free(who);
}

static void refuse(const config *conf, const char *claims, const char *reason)
{
    const char *why;
    caller *who = verify(conf, HS256_HEADER, claims, &why);
    if (who != NULL)
        fail_msg("accepted: %s", claims);
    if (strstr(why, reason) == NULL)
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
    refuse(&settings, CLAIMS(",\"nbf\":1700000031"), "not valid yet");
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
    snprintf(claims, sizeof claims, "{\"role\":\"player\",\"sub\":\"%s\",\"exp\":1700000100}", id);
    refuse(&settings, claims, "sub");
    snprintf(claims, sizeof claims, "{\"role\":\"player\",\"sub\":\"%s\",\"exp\":1700000100}",
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
    accept(&conf, CLAIMS(",\"iss\":\"login\",\"aud\":\"chat\""));
    accept(&conf, CLAIMS(",\"iss\":\"login\",\"aud\":[\"shop\",\"chat\"]"));
}

static void a_changed_token_is_refused(void **state)
{
    (void)state;
    const char *why;
    token_key *key = key_of(&settings);
    char *token = hs256(HS256_HEADER, CLAIMS(""), SECRET, strlen(SECRET));
    for (size_t i = 0; i < strlen(token); i++) {
        char kept = token[i];
        if (i == strlen(token) - 1 || kept == '.')
            continue; /* the last digit has bits that mean nothing */
        token[i] = kept == 'A' ? 'B' : 'A';
        caller *who = token_verify(key, token, NOW, &why);
        if (who != NULL)
            fail_msg("accepted with a changed byte %zu", i);
        token[i] = kept;
    }
    free(token);
    token_key_free(key);
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    ".",        "..",   "a.b.c",
                                      "abc", "e30.e30.", "....", "eyJhbGciOiJIUzI1NiJ9..x"};
    const char *why;
    token_key *key = key_of(&settings);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(token_verify(key, bad[i], NOW, &why));
    char *huge = mem_alloc(20001);
    memset(huge, 'x', 20000);
    assert_null(token_verify(key, huge, NOW, &why));
    free(huge);
    token_key_free(key);
}

static void the_algorithm_is_the_configured_one(void **state)
{
    (void)state;
    static const char *const headers[] = {"{\"alg\":\"none\"}",  "{\"alg\":\"None\"}",
                                          "{\"alg\":\"HS384\"}", "{\"alg\":\"RS256\"}",
                                          "{\"alg\":\"\"}",      "{}"};
    const char *why;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_null(verify(&settings, headers[i], CLAIMS(""), &why));
    token_key *key = key_of(&settings);
    char *text = signed_part("{\"alg\":\"none\"}", CLAIMS(""));
    char *unsigned_token = mem_printf("%s.", text);
    assert_null(token_verify(key, unsigned_token, NOW, &why));
    free(unsigned_token);
    free(text);
    token_key_free(key);
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
    size_t len = sizeof signature;
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
    token_key *key = key_of(&conf);

    char *good = rs256(pair, CLAIMS(""));
    caller *who = token_verify(key, good, NOW, &why);
    assert_non_null(who);
    assert_null(token_mint(key, who, NOW));
    caller_free(who);
    free(good);

    /* The classic: HMAC with the public key, which everybody has, as the secret. */
    FILE *f = fopen(path, "r");
    size_t len = fread(pem, 1, sizeof pem, f);
    fclose(f);
    char *forged = hs256(HS256_HEADER, CLAIMS(""), pem, len);
    assert_null(token_verify(key, forged, NOW, &why));
    free(forged);

    token_key_free(key);
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
    token_key *key = key_of(&conf);
    caller *who = caller_new(CALLER_STAFF, "grace \"x\"", "Grace", NOW + 60);
    char *token = token_mint(key, who, NOW);
    assert_non_null(token);
    caller *back = token_verify(key, token, NOW, &why);
    assert_non_null(back);
    assert_string_equal(back->sub, "grace \"x\"");
    assert_string_equal(back->name, "Grace");
    assert_int_equal(back->expires_at, NOW + 60);
    caller_free(back);
    caller_free(who);
    free(token);
    token_key_free(key);
}

static void a_key_file_that_is_missing_is_told(void **state)
{
    (void)state;
    const char *why = NULL;
    config conf = settings;
    conf.jwt_algorithm = "ES256";
    conf.jwt_key_file = "/nonexistent.pem";
    assert_null(token_key_load(&conf, &why));
    assert_non_null(why);
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
        cmocka_unit_test(a_key_file_that_is_missing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
