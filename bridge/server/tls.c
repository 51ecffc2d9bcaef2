/* tls.c - chain and key of a handshake (the rest is in tls.h).
 *
 * A context has a place for the key of each type, RSA, EC and so on, and a handshake takes
 * whichever the client likes: a key of another type would stand beside the old one, and no call
 * empties a context's places. So what a reload reads becomes a context of its own, which holds the
 * pair and does nothing else, and each handshake is given that pair alone.
 */
#include "server/tls.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <time.h>

#define TICKET_SECONDS 3600
#define TICKET_KEY_BYTES 80 /* of OpenSSL 3: a name, an HMAC key, an AES key */
#define WARN_SECONDS (14 * 24 * 3600)

#define CIPHERS_1_2                                                                                \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* ---- chain and key, and others after a reload ---- */

static void free_pair(void *parent, void *pair, CRYPTO_EX_DATA *data, int index, long arg,
                      void *more)
{
    (void)parent, (void)data, (void)index, (void)arg, (void)more;
    SSL_CTX_free(pair);
}

/* The place in a context for what a reload has read; -1 when OpenSSL has none. */
static int pair_index(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_pair);
    return index;
}

/* What holds the chain and key of now: what was read last, or the context itself. */
static SSL_CTX *pair_of(SSL_CTX *ctx)
{
    SSL_CTX *pair = SSL_CTX_get_ex_data(ctx, pair_index());

    return pair ? pair : ctx;
}

/* Within a handshake, before the certificate is chosen. */
static int give_pair(SSL *ssl, void *arg)
{
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl), *pair = pair_of(ctx);
    STACK_OF(X509) *chain = NULL;

    (void)arg;
    if (pair == ctx)
        return 1;
    SSL_certs_clear(ssl);
    SSL_CTX_get0_chain_certs(pair, &chain);
    return SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(pair), SSL_CTX_get0_privatekey(pair),
                                chain, 1);
}

bool tls_harden(SSL_CTX *ctx)
{
    SSL_CTX_set_cert_cb(ctx, give_pair, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ctx, TICKET_SECONDS);
    return pair_index() >= 0 && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1;
}

/* In Unix time; 0 when there is no certificate. */
static double read_not_after(void *ctx)
{
    const X509 *cert = SSL_CTX_get0_certificate(pair_of(ctx));
    struct tm tm;

    if (!cert || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
        return 0;
    return (double)timegm(&tm);
}

static void warn_when_it_ends(SSL_CTX *ctx)
{
    int64_t end = (int64_t)read_not_after(ctx), now = clock_unix_seconds();
    char when[CLOCK_RFC3339_SIZE];

    if (end > now + WARN_SECONDS)
        return;
    clock_rfc3339_ms(when, end * 1000000);
    log_warning("event=tls_certificate_%s not_after=%s hint=%s", end > now ? "expires" : "expired",
                when, LOG_Q("replace the files of tls_cert and tls_key, then SIGHUP"));
}

void tls_watch(SSL_CTX *ctx)
{
    metric_gauge_read("unichat_tls_not_after_seconds", NULL,
                      "When the certificate expires, in Unix time.", read_not_after, ctx);
    warn_when_it_ends(ctx);
}

/* A context that holds nothing but chain and key, read and found to belong together (OpenSSL checks
 * a key against the certificate that is there before it); NULL else. */
static SSL_CTX *read_pair(const char *cert, const char *key)
{
    SSL_CTX *pair = SSL_CTX_new(TLS_server_method());
    if (pair && SSL_CTX_use_certificate_chain_file(pair, cert) == 1 &&
        SSL_CTX_use_PrivateKey_file(pair, key, SSL_FILETYPE_PEM) == 1)
        return pair;
    SSL_CTX_free(pair);
    return NULL;
}

/* On success the context owns the pair. */
static bool take_pair(SSL_CTX *ctx, SSL_CTX *pair)
{
    unsigned char ticket_keys[TICKET_KEY_BYTES];
    SSL_CTX *old = SSL_CTX_get_ex_data(ctx, pair_index());

    if (RAND_bytes(ticket_keys, sizeof(ticket_keys)) != 1 ||
        SSL_CTX_set_tlsext_ticket_keys(ctx, ticket_keys, sizeof(ticket_keys)) != 1 ||
        SSL_CTX_set_ex_data(ctx, pair_index(), pair) != 1)
        return false;
    SSL_CTX_free(old);
    return true;
}

bool tls_reload(SSL_CTX *ctx, const char *cert, const char *key)
{
    SSL_CTX *pair = read_pair(cert, key);
    bool ok = pair && take_pair(ctx, pair);
    unsigned long error = ERR_peek_last_error();

    if (ok) {
        log_info("event=tls_reloaded cert=%s", LOG_Q(cert));
        warn_when_it_ends(ctx);
    } else {
        SSL_CTX_free(pair);
        log_error("event=tls_reload_failed cert=%s key=%s reason=%s hint=%s", LOG_Q(cert),
                  LOG_Q(key), LOG_Q(error ? ERR_reason_error_string(error) : "unknown"),
                  LOG_Q("the old certificate is kept"));
    }
    ERR_clear_error();
    return ok;
}
