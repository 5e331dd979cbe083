/* AWS Signature Version 4 with a certificate's key instead of a secret: what IAM Roles Anywhere
 * wants. Algorithms AWS4-X509-RSA-SHA256 and AWS4-X509-ECDSA-SHA256.
 * Source: AWS documentation, "Signing process for Roles Anywhere". Thread: any; no state. */
#ifndef CONNECTORS_AWS_SIGV4_X509_H
#define CONNECTORS_AWS_SIGV4_X509_H

#include "bridge/error.h"
#include "connectors/aws/identity.h"
#include "connectors/aws/sigv4.h"

/* What goes on the wire beside the request's own headers; each a whole "Name: value" line with a
 * NUL. Zero-initialise; may be signed into again; sigv4_x509_signature_free(). */
struct sigv4_x509_signature {
    char date[32];          /* X-Amz-Date */
    struct buf certificate; /* X-Amz-X509 */
    struct buf chain;       /* X-Amz-X509-Chain; len 0: there is none, send no such line */
    struct buf authorization;
};

/* The request's headers are signed, and those above. Takes 0.05 to 7 ms, longer with a token.
 * False: the key refused, as a token that was pulled out; FAULT_DOWN. */
bool sigv4_x509_sign(const struct identity *identity, const struct sigv4_request *r,
                     struct sigv4_x509_signature *out, struct error *e) MUST_USE;
void sigv4_x509_signature_free(struct sigv4_x509_signature *signature);

#endif
