/* The canonical form of a request, as a signature covers it. Thread: its signer's. Owner: the
 * signer; zero-initialise, canonical_free(). */
#ifndef CONNECTORS_AWS_CANONICAL_H
#define CONNECTORS_AWS_CANONICAL_H

#include "connectors/aws/sigv4.h"

/* A header or a query parameter in canonical form: offsets into the scratch bytes. */
struct pair {
    size_t name, name_len, value, value_len;
};

struct canonical {
    struct buf text;  /* the canonical request */
    struct buf names; /* of the signed headers, with ';' between */
    struct buf scratch;
    struct pair *pairs;
    size_t pair_count, pair_cap;
};

/* own: the signer's headers beside the request's, x-amz-date first of all; body_hash: SHA-256 in
 * hex. */
void canonical_build(struct canonical *c, const struct sigv4_request *r,
                     const struct sigv4_header *own, size_t own_count, struct bytes body_hash);
void canonical_free(struct canonical *c);

#endif
