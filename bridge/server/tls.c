#include "server/tls.h"

#include "base/log.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#define TICKET_SECONDS 3600
#define TICKET_KEY_BYTES 80 /* of OpenSSL 3: a name, an HMAC key, an AES key */

#define CIPHERS_1_2                                                                                \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

bool tls_harden(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ctx, TICKET_SECONDS);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1;
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

/* In one step, so that no handshake gets a certificate with another's key. */
static bool take_pair(SSL_CTX *ctx, SSL_CTX *pair)
{
    unsigned char ticket_keys[TICKET_KEY_BYTES];
    STACK_OF(X509) *chain = NULL;

    SSL_CTX_get0_chain_certs(pair, &chain);
    if (SSL_CTX_use_cert_and_key(ctx, SSL_CTX_get0_certificate(pair), SSL_CTX_get0_privatekey(pair),
                                 chain, 1) != 1)
        return false;
    return RAND_bytes(ticket_keys, sizeof(ticket_keys)) == 1 &&
           SSL_CTX_set_tlsext_ticket_keys(ctx, ticket_keys, sizeof(ticket_keys)) == 1;
}

bool tls_reload(SSL_CTX *ctx, const char *cert, const char *key)
{
    SSL_CTX *pair = read_pair(cert, key);
    bool ok = pair && take_pair(ctx, pair);

    SSL_CTX_free(pair);
    if (ok) {
        log_info("event=tls_reloaded cert=%s", LOG_Q(cert));
    } else {
        unsigned long error = ERR_peek_last_error();

        log_error("event=tls_reload_failed cert=%s key=%s reason=%s hint=%s", LOG_Q(cert),
                  LOG_Q(key), LOG_Q(error ? ERR_reason_error_string(error) : "unknown"),
                  LOG_Q("the old certificate is kept"));
    }
    ERR_clear_error();
    return ok;
}
