/* AWS Signature Version 4 in the Authorization header, on OpenSSL's EVP.
 * Source: AWS documentation, "Create a signed AWS API request"; canonical form as in aws-c-auth's
 * test suite. Thread: a signer belongs to one thread (it reuses its digest contexts and caches the
 * derived key). */
#ifndef CONNECTORS_AWS_SIGV4_H
#define CONNECTORS_AWS_SIGV4_H

#include <stdint.h>

#include "bridge/bytes.h"
#include "bridge/mem.h"

struct aws_keys {
    char *access_key_id, *secret_access_key;
    char *session_token; /* NULL: none */
};

struct sigv4_request {
    const char *method, *region, *service;
    struct bytes path,
        query; /* as sent on the wire; path "/" where there is none; query without '?' */
    const struct sigv4_header
        *headers; /* all that are to be signed, but for x-amz-date and x-amz-security-token */
    size_t header_count;
    struct bytes body;
    int64_t now_s; /* since 1970, skew corrected */
    bool raw_path; /* S3: the path is encoded once and not normalised */
};
struct sigv4_header {
    struct bytes name, value; /* any case; repeated names are joined */
};

struct sigv4_signer;

struct sigv4_signer *sigv4_signer_create(void);
void sigv4_signer_destroy(struct sigv4_signer *signer);

/* What goes on the wire beside the request's own headers; each a whole "Name: value" line. */
struct sigv4_signature {
    char date[32];            /* "X-Amz-Date: 20261122T120000Z" */
    struct buf authorization; /* "Authorization: AWS4-HMAC-SHA256 ...", NUL-terminated; reused */
};

/* Cannot fail but by programming error. The session token, where there is one, is signed as the
 * header x-amz-security-token, which the caller sends. */
void sigv4_sign(struct sigv4_signer *signer, const struct aws_keys *keys,
                const struct sigv4_request *r, struct sigv4_signature *out);

#endif
