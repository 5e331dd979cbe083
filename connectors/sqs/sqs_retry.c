#include "connectors/sqs/sqs_retry.h"

#include <stdlib.h>
#include <strings.h>

#include "bridge/json.h"
#include "connectors/sqs/sqs_clock.h"

enum {
    BASE_TRANSIENT_MS = 50,
    BASE_THROTTLED_MS = 1000,
    MAX_LATER_MS =
        5000, /* a wish of the far end is honoured up to this much beyond our own delay */
    BACKOFF_MIN_MS = 1000,
    BACKOFF_MAX_MS = 30000,
    MAX_WISH_MS = 60000,
    MAX_ATTEMPTS = 1000,
};

uint64_t sqs_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void sqs_random_digits(uint64_t *state, char *text)
{
    uint64_t bits = 0;
    unsigned left = 0;
    while ((text = strchr(text, '#'))) {
        if (!left) bits = sqs_random(state);
        left = left ? left - 1 : 15;
        *text++ = "0123456789abcdef"[bits >> 4 * left & 15];
    }
}

static const char *set_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool is_mode(const char *mode)
{
    return strcasecmp(mode, "standard") == 0 || strcasecmp(mode, "legacy") == 0 ||
           strcasecmp(mode, "adaptive") == 0;
}

bool sqs_retry_environment(unsigned *max_attempts, struct error *e)
{
    int64_t value = SQS_RETRY_ATTEMPTS;
    const char *most = set_variable("AWS_MAX_ATTEMPTS"), *mode = set_variable("AWS_RETRY_MODE");
    if (mode && !is_mode(mode))
        return error_set(e, FAULT_CONFIG,
                         "AWS_RETRY_MODE: \"%s\" is no mode (legacy, standard or adaptive)", mode);
    if (most && (!json_int(bytes_str(most), &value) || value < 1 || value > MAX_ATTEMPTS))
        return error_set(e, FAULT_CONFIG, "AWS_MAX_ATTEMPTS: \"%s\" is no number from 1 to %d",
                         most, MAX_ATTEMPTS);
    *max_attempts = (unsigned)value;
    return true;
}

static uint32_t bounded_wish(int64_t ms)
{
    if (ms <= 0) return 0;
    return ms < MAX_WISH_MS ? (uint32_t)ms : MAX_WISH_MS;
}

uint32_t sqs_retry_wish_ms(const char *after_ms, const char *after, int64_t now_s)
{
    int64_t value;
    if (json_int(bytes_str(after_ms), &value)) return bounded_wish(value);
    if (json_int(bytes_str(after), &value))
        return bounded_wish(value > 0 && value < MAX_WISH_MS ? value * 1000 : value);
    return sqs_clock_parse(after, &value) ? bounded_wish((value - now_s) * 1000) : 0;
}

void sqs_retry_init(struct sqs_retry *r, uint64_t seed)
{
    r->tokens = SQS_RETRY_TOKENS;
    r->random = seed ? seed : 1;
}

static bool take_tokens(struct sqs_retry *r, const struct sqs_retry_ask *ask, unsigned *cost)
{
    *cost = ask->class == SQS_THROTTLED ? SQS_RETRY_COST_THROTTLED : SQS_RETRY_COST_TRANSIENT;
    if (r->tokens >= *cost) {
        r->tokens -= *cost;
        return true;
    }
    *cost = 0;
    return ask->long_poll;
}

static uint32_t jittered(struct sqs_retry *r, uint32_t base_ms, unsigned failed)
{
    uint64_t most = base_ms;
    for (unsigned i = 1; i < failed && most < SQS_RETRY_CAP_MS; i++)
        most *= 2;
    if (most > SQS_RETRY_CAP_MS) most = SQS_RETRY_CAP_MS;
    return (uint32_t)(sqs_random(&r->random) % (most + 1));
}

bool sqs_retry_again(struct sqs_retry *r, const struct sqs_retry_ask *ask, unsigned *cost,
                     uint32_t *delay_ms)
{
    if (ask->class != SQS_TRANSIENT && ask->class != SQS_THROTTLED) return false;
    if (!take_tokens(r, ask, cost)) return false;
    uint32_t base = ask->class == SQS_THROTTLED ? BASE_THROTTLED_MS : BASE_TRANSIENT_MS;
    uint32_t delay = jittered(r, base, ask->failed), wish = ask->retry_after_ms;
    if (wish > delay + MAX_LATER_MS) wish = delay + MAX_LATER_MS;
    *delay_ms = wish > delay ? wish : delay;
    return true;
}

void sqs_retry_succeeded(struct sqs_retry *r, unsigned cost)
{
    r->tokens += cost ? cost : 1;
    if (r->tokens > SQS_RETRY_TOKENS) r->tokens = SQS_RETRY_TOKENS;
}

uint32_t sqs_backoff_next_ms(struct sqs_backoff *b, uint64_t *random)
{
    uint32_t most = BACKOFF_MIN_MS;
    for (unsigned i = 0; i < b->failures && most < BACKOFF_MAX_MS; i++)
        most *= 2;
    if (most > BACKOFF_MAX_MS) most = BACKOFF_MAX_MS;
    b->failures++;
    return most / 2 + (uint32_t)(sqs_random(random) % (most / 2 + 1));
}
