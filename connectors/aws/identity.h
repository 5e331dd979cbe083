/* Who the bridge is by a certificate: the certificate, the chain above it, and its private key, RSA
 * or EC. What IAM Roles Anywhere signs with (sigv4_x509.h), and what TLS shows a server that asks
 * (http.h).
 * Thread: identity_load() may block (files, a token) and belongs off the loop where that matters;
 * what it made is constant, any thread may use it. Owner: the caller; whoever is given one borrows
 * it. Certificates are replaced in their files before they expire: load anew for each use that is
 * hours apart. */
#ifndef CONNECTORS_AWS_IDENTITY_H
#define CONNECTORS_AWS_IDENTITY_H

#include <openssl/types.h>
#include <openssl/x509.h>

#include "bridge/error.h"

struct identity {
    X509 *certificate;
    EVP_PKEY *key;          /* fits the certificate; in a token it is only a reference */
    STACK_OF(X509) * chain; /* what was found above the certificate, lowest first; may be empty */
};

/* Where it is. Strings NULL or empty: not given.
 *
 * certificate   key             chain
 * PEM file      PEM file        PEM file; not given: what follows in the certificate's file
 *               not given: in the certificate's file
 *               "pkcs11:..."    the key stays in its token
 * PKCS#12 file  not given       as above, or not given: those in the PKCS#12 file
 * "pkcs11:..."  not given: the same address, as a private key
 * folder        not given: the key in the folder that fits
 *
 * A folder of PEM files wants an identifier: whole names as in RFC 2253, or common names, or serial
 * numbers in hexadecimal: "subject:CN=bridge-01,O=Example", "issuer:Example CA", "serial:3f:9a",
 * joined by ';' where one does not suffice; without a word before it, "bridge-01" is the subject.
 * Of several that match, the one that is valid longest.
 *
 * A pkcs11: address is that of RFC 7512, with module-path=... in its query where p11-kit does not
 * know the token's library; the PIN is password, else pin-value in the address. */
struct identity_options {
    const char *certificate, *key, *chain, *identifier;
    const char *password; /* of the key, the PKCS#12 file, or the token */
};

/* NULL: e says in one line which file is at fault, and why; FAULT_CONFIG. That includes a
 * certificate which is not valid now, and a key that does not fit it. */
struct identity *identity_load(const struct identity_options *options, struct error *e) MUST_USE;
void identity_destroy(struct identity *identity); /* cleanses the key */

#endif
