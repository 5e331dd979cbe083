/* When to try again: the SDKs' current standard mode for one request (attempts, token bucket,
 * jitter), and the slower backoff of a source or sink whose far end stays away.
 * Thread: one per struct. Source: AWS SDKs, "Retry behavior", standard mode as of 2026. */
#ifndef CONNECTORS_SQS_SQS_RETRY_H
#define CONNECTORS_SQS_SQS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/error.h"
#include "connectors/sqs/sqs_error.h"

enum {
    SQS_RETRY_TOKENS = 500,
    SQS_RETRY_COST_TRANSIENT = 14,
    SQS_RETRY_COST_THROTTLED = 5,
    SQS_RETRY_CAP_MS = 20000,
    SQS_RETRY_ATTEMPTS = 3,
};

struct sqs_retry {
    unsigned tokens;
    uint64_t random;
};

/* AWS_MAX_ATTEMPTS, else the standard mode's. AWS_RETRY_MODE may name any mode of the SDKs; there
 * is one here. False: one of them is nonsense; FAULT_CONFIG. */
bool sqs_retry_environment(unsigned *max_attempts, struct error *e) MUST_USE;

/* How long the far end asks us to wait: x-amz-retry-after in milliseconds, else Retry-After in
 * seconds or as a date; a minute at most. 0: it does not. */
uint32_t sqs_retry_wish_ms(const char *after_ms, const char *after, int64_t now_s);

void sqs_retry_init(struct sqs_retry *r, uint64_t seed);

/* Whether attempt number `failed` (from 1) may be followed by another, and after how long. Takes
 * tokens, *cost of them; a long poll goes on without. */
struct sqs_retry_ask {
    enum sqs_class class;
    unsigned failed;
    uint32_t retry_after_ms; /* the far end's wish; 0: none */
    bool long_poll;
};
bool sqs_retry_again(struct sqs_retry *r, const struct sqs_retry_ask *ask, unsigned *cost,
                     uint32_t *delay_ms) MUST_USE;

/* The request succeeded: cost of its last retry, 0 where the first attempt did. */
void sqs_retry_succeeded(struct sqs_retry *r, unsigned cost);

uint64_t sqs_random(uint64_t *state); /* xorshift64: jitter and request identifiers, no secrets */
void sqs_random_digits(uint64_t *state, char *text); /* hexadecimal, in the place of each '#' */

/* 1 s, doubling to 30 s, each between half and the whole of it. */
struct sqs_backoff {
    unsigned failures;
};
uint32_t sqs_backoff_next_ms(struct sqs_backoff *b, uint64_t *random);

#endif
