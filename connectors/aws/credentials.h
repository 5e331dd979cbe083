/* Who signs: one object per way to sign in, shared by all pipelines and verbs of the process. Keys
 * that expire are got anew ahead of time on a thread of their own, and while that fails the old
 * ones are used up to their end. Keys are immutable copies with a count: nobody is held up by a
 * refresh. Thread: any, for every call; a waiter is called on its own loop. Owner: each open wants
 * its close; keys outlive both while somebody holds them. Source: AWS SDKs and Tools reference,
 * "Standardized credential providers". */
#ifndef CONNECTORS_AWS_CREDENTIALS_H
#define CONNECTORS_AWS_CREDENTIALS_H

#include <sys/queue.h>

#include "bridge/error.h"
#include "bridge/loop.h"
#include "connectors/aws/credentials_conf.h"
#include "connectors/aws/sigv4.h"

struct credentials;

/* conf NULL: the SDKs' default chain. A conf with a name is a section: equal ones are one
 * object, also where configurations follow each other. Without a name it holds keys, and equal keys
 * are one object. NULL: e says what is missing,
 * FAULT_CONFIG; what only the far end can tell comes to those who wait. The conf is copied. */
struct credentials *credentials_open(const struct credentials_conf *conf, struct error *e);
void credentials_close(struct credentials *c); /* does not block; NULL: nothing happens */

/* The keys of now; NULL: none yet, or none that are valid any more. Valid until
 * credentials_release(). */
const struct aws_keys *credentials_acquire(struct credentials *c);
void credentials_release(struct credentials *c, const struct aws_keys *keys);
uint64_t credentials_version(const struct aws_keys *keys); /* rising with each refresh, from 1 */

/* Where they were found: of the profile, of the machine; NULL: not told. As long as the keys. */
const char *credentials_region(const struct aws_keys *keys);
/* Whether keys of this section may tell a region, which lint can't know. */
bool credentials_may_tell_region(const struct credentials_conf *conf);

/* ready() comes once, on w->loop and never from within, when there are keys, or when an attempt to
 * get some has failed. Fill in the first part; it belongs to the credentials until then, and c must
 * stay open. */
struct credentials_waiter {
    struct loop *loop;
    uint64_t newer_than; /* a version that was refused; 0: any keys do */
    void (*ready)(struct credentials_waiter *w, const struct error *why); /* NULL: there are keys */
    void *arg;

    struct post post; /* from here on the credentials' own */
    struct error error;
    bool failed;
    TAILQ_ENTRY(credentials_waiter) entry;
};
void credentials_wait(struct credentials *c, struct credentials_waiter *w);
/* True: ready() will not come. False: it is on its way (or was never asked for). */
bool credentials_stop_waiting(struct credentials *c, struct credentials_waiter *w);

/* AWS says that the keys of this version are expired or unknown: one refresh, unless there are
 * newer ones. True: newer ones are there or may come, so waiting for them makes sense. */
bool credentials_refused(struct credentials *c, uint64_t version);

/* For metrics and messages. */
struct credentials_state {
    int64_t expires_in_s;         /* of the keys of now; INT64_MAX: never; 0: there are none */
    uint64_t refreshes, failures; /* so far */
    struct error last;            /* why the last attempt failed; FAULT_NONE: it did not */
};
void credentials_state(struct credentials *c, struct credentials_state *state);

/* The region: configured, from the host of the queue URL, AWS_REGION, AWS_DEFAULT_REGION. False:
 * none of them. */
bool aws_region(const char *configured, const char *queue_url, char *region, size_t size) MUST_USE;

#endif
