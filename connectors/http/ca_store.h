/* Certificates to trust, loaded once per file for the whole process. libcurl would load them for
 * each connection: its own cache is off wherever a CA directory is compiled in, as in Debian
 * (7.88.1; 33-44 ms CPU a connection). Thread: any. Owner: each acquire wants its release; the last
 * one frees. */
#ifndef CONNECTORS_HTTP_CA_STORE_H
#define CONNECTORS_HTTP_CA_STORE_H

#include <openssl/types.h>

#include "bridge/error.h"

struct ca_store;

/* ca_file NULL: the system's, as OpenSSL finds them (SSL_CERT_FILE and SSL_CERT_DIR too). NULL: not
 * readable, or no certificate in it. */
struct ca_store *ca_store_acquire(const char *ca_file, struct error *e);
void ca_store_release(struct ca_store *ca);

/* Makes connections of this context trust what is in the store. */
void ca_store_apply(const struct ca_store *ca, SSL_CTX *context);

#endif
