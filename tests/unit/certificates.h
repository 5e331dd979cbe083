/* Certificates and keys for tests, made when they are needed, in a folder that goes with them.
 * Thread: the test's. Owner: the test. */
#ifndef TESTS_UNIT_CERTIFICATES_H
#define TESTS_UNIT_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/x509.h>

extern char certificates_folder[64];

int certificates_setup(void **state); /* makes the folder */
int certificates_teardown(void **state);

const char *path_in_folder(const char *name); /* valid for the next seven calls */

struct certificate_wish {
    const char *name; /* its common name; the organisation is "Test" */
    long serial;
    int from_days, to_days; /* from now; both 0: valid from yesterday to tomorrow */
    X509 *issuer;           /* NULL: itself */
    EVP_PKEY *issuer_key;
};
EVP_PKEY *make_key(const char *type); /* "RSA", "P-256", "P-384", "ED25519" */
X509 *make_certificate(const struct certificate_wish *wish, EVP_PKEY *key);

void write_text(const char *name, const char *text);
void write_certificate(const char *name, X509 *certificate, const char *mode); /* "w" or "a" */
void write_key(const char *name, EVP_PKEY *key, const char *password, const char *mode);
void write_pkcs12(const char *name, X509 *certificate, EVP_PKEY *key, X509 *above,
                  const char *password);

#endif
