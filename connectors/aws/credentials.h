/* Where the keys come from: given in the configuration, or the environment (AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN). Later providers (profiles, roles) fit behind the same
 * call: keys are immutable copies with a count, so a refresh swaps the pointer and nobody waits.
 * Thread: any; create and destroy by the owner. Owner: who created it; keys outlive it while
 * somebody holds them. */
#ifndef CONNECTORS_AWS_CREDENTIALS_H
#define CONNECTORS_AWS_CREDENTIALS_H

#include "bridge/error.h"
#include "connectors/aws/sigv4.h"

struct credentials;

/* The options as configured, NULL or empty where not given. FAULT_CONFIG with what to do where
 * there are none, or half a pair. */
struct credentials_options {
    const char *access_key_id, *secret_access_key, *session_token;
};
struct credentials *credentials_create(const struct credentials_options *options, struct error *e);
void credentials_destroy(struct credentials *c); /* cleanses the secrets */

/* The keys of now; valid until credentials_release(). */
const struct aws_keys *credentials_acquire(struct credentials *c);
void credentials_release(struct credentials *c, const struct aws_keys *keys);

/* New keys, copied, for everybody who acquires from now on. */
void credentials_replace(struct credentials *c, const struct aws_keys *keys);

/* The region: configured, from the host of the queue URL, AWS_REGION, AWS_DEFAULT_REGION. False:
 * none of them. */
bool aws_region(const char *configured, const char *queue_url, char *region, size_t size) MUST_USE;

#endif
