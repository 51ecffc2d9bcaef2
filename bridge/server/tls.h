/* tls.h - TLS as this server speaks it, and another certificate without a restart.
 *
 * TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3; no renegotiation, no
 * compression, no early data. Tickets are good for an hour, and those from before a reload for
 * nothing: what is read from memory later opens no more than that.
 */
#ifndef UNICHAT_SERVER_TLS_H
#define UNICHAT_SERVER_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* Sets all this for a context that libwebsockets has made. False when OpenSSL does not take it. */
bool tls_harden(SSL_CTX *ctx);

/* For a context that has its certificate: a metric of when it expires, and a warning when that is
 * near or past, now and at each reload. */
void tls_watch(SSL_CTX *ctx);

/* Reads chain and key (PEM files) anew: handshakes from now on get them, connections stay. On error
 * false, after a log line, and the old ones stay. */
bool tls_reload(SSL_CTX *ctx, const char *cert, const char *key);

#endif
