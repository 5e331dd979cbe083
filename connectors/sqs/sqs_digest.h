/* MD5 as SQS computes it over bodies and attributes, and SHA-256 for identifiers. Thread: one per
 * digest (it reuses its context). Where the crypto policy has no MD5 (FIPS), nothing is checked. */
#ifndef CONNECTORS_SQS_SQS_DIGEST_H
#define CONNECTORS_SQS_SQS_DIGEST_H

#include "bridge/msg.h"

struct sqs_digest;

struct sqs_md5 {
    unsigned char bytes[16];
};

struct sqs_digest *sqs_digest_create(void);
void sqs_digest_destroy(struct sqs_digest *d);

bool sqs_digest_has_md5(const struct sqs_digest *d);
struct sqs_md5 sqs_digest_body(struct sqs_digest *d, struct bytes body);

/* Of message attributes: sorted by name; for each its name, type and value with their lengths. */
struct sqs_md5 sqs_digest_attrs(struct sqs_digest *d, const struct attr *attrs, size_t count);

/* True also where there is nothing to compare with: hex is empty, or there is no MD5. */
bool sqs_digest_agrees(const struct sqs_digest *d, const struct sqs_md5 *md5, struct bytes hex);

/* SHA-256 over the parts, each with its length before it, as 64 hex digits and a NUL. */
void sqs_digest_sha256(struct sqs_digest *d, const struct bytes *parts, size_t count,
                       char hex[static 65]);

#endif
