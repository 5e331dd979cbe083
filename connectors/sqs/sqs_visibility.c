/* Heartbeats: what we hold stays invisible to others, by one extension at half its timeout after
 * another. Those of a FIFO group are extended together: of a group in which some expire, SQS hands
 * out those in front of the first that is still extended. */
#include "connectors/sqs/sqs_source.h"

enum {
    MAX_EXTENSION_S = 900,
    MAX_TOTAL_S = 43200 - 5, /* from the receive on; five for the way there */
    MAX_COMPANY_MS = 1000,   /* what falls due so soon goes along */
    MIN_RETRY_MS = 250,
    MAX_RETRY_MS = 5000,
};

static struct loop *loop_of(const struct sqs_source *s)
{
    return pipeline_loop(s->pipeline);
}

static uint64_t now_of(const struct sqs_source *s)
{
    return loop_now_ms(loop_of(s));
}

/* ---- when ---- */

int64_t sqs_beats_extension_s(int64_t visibility_s, uint32_t level)
{
    if (visibility_s >= MAX_EXTENSION_S) return visibility_s;
    int64_t seconds = visibility_s << level;
    return seconds < MAX_EXTENSION_S ? seconds : MAX_EXTENSION_S;
}

/* An eighth of the timeout: three more tries before the handle expires. */
static uint64_t retry_ms(const struct sqs_beats *beats)
{
    int64_t ms = beats->visibility_s * 125;
    if (ms < MIN_RETRY_MS) ms = MIN_RETRY_MS;
    return (uint64_t)(ms < MAX_RETRY_MS ? ms : MAX_RETRY_MS);
}

static uint64_t delay_ms(const struct sqs_beats *beats, uint32_t list)
{
    if (list == SQS_BEAT_RETRY) return retry_ms(beats);
    return (uint64_t)sqs_beats_extension_s(beats->visibility_s, list) * 500;
}

static void schedule(struct sqs_source *s, struct sqs_held *h, uint32_t list)
{
    struct sqs_beats *beats = &s->beats;
    uint64_t delay = delay_ms(beats, list);
    h->beats = true;
    h->list = list;
    h->beat_ms = now_of(s) + delay;
    TAILQ_INSERT_TAIL(&beats->lists[list], h, beat);
    if (!beats->timer.slot || h->beat_ms < beats->timer.due_ms)
        loop_timer_start(loop_of(s), &beats->timer, delay);
}

void sqs_beats_forget(struct sqs_source *s, struct sqs_held *h)
{
    if (!h->beats) return;
    h->beats = false;
    TAILQ_REMOVE(&s->beats.lists[h->list], h, beat);
}

void sqs_beats_received(struct sqs_source *s, struct sqs_held *h)
{
    sqs_beats_forget(s, h);
    h->received_ms = now_of(s);
    h->expires_ms = h->received_ms + (uint64_t)s->beats.visibility_s * 1000;
    h->level = 0;
    h->lost = false;
    schedule(s, h, 0);
}

/* ---- answers ---- */

/* What is to be given back stays ours until the others of its group have ended. */
static bool is_ours(const struct sqs_held *h)
{
    return h->state == SQS_IN_FLIGHT || h->state == SQS_DELETING ||
           (h->state == SQS_RELEASING && h->queued);
}

/* The last extension may end long before the next heartbeat would be due. */
bool sqs_beats_keep(const struct sqs_source *s, const struct sqs_held *h)
{
    return !h->lost && now_of(s) < h->expires_ms;
}

/* And with it those that were received with it of its group: SQS hands the group out again from the
 * first that has expired, and nothing of ours may be deleted or kept from under it. */
static void lose(struct sqs_source *s, struct sqs_held *h, const char *why)
{
    struct sqs_held *m = h;
    do {
        sqs_beats_forget(s, m);
        if (is_ours(m)) m->lost = true;
        m = m->group_next;
    } while (m != h);
    log_limited(&s->beats.complaint, LOG_WARN, pipeline_name(s->pipeline),
                "a message is not ours any more, and SQS will deliver it again: %s", why);
}

static void beat_answered(struct sqs_batch *b, size_t i)
{
    struct sqs_source *s = b->source;
    struct sqs_held *h = b->held[i];
    if (!is_ours(h) || h->lost || sqs_batch_outdated(b, i)) return;
    enum sqs_class class = sqs_batch_outcome(b, i);
    if (class == SQS_OK) {
        h->expires_ms = b->sent_ms + (uint64_t)b->seconds[i] * 1000;
        if (h->level < SQS_BEAT_LEVELS - 1) h->level++;
        schedule(s, h, h->level);
    } else if (class == SQS_HANDLE || class == SQS_SENDER) {
        lose(s, h, "its receipt handle has expired (raise visibility_timeout)");
    } else if (now_of(s) >= h->expires_ms) {
        lose(s, h, "its visibility timeout passed before SQS could be reached");
    } else {
        schedule(s, h, SQS_BEAT_RETRY);
    }
}

static void done(struct sqs_batch *b)
{
    struct sqs_source *s = b->source;
    if (s->closing) return;
    if (b->call.class != SQS_OK)
        log_limited(&s->beats.complaint, LOG_WARN, pipeline_name(s->pipeline),
                    "messages could not be kept invisible: %s", b->call.error.text);
    for (size_t i = 0; i < b->count; i++)
        beat_answered(b, i);
}

/* ---- heartbeats ---- */

int64_t sqs_beats_within_limit_s(const struct sqs_source *s, const struct sqs_held *h,
                                 int64_t seconds)
{
    int64_t left = MAX_TOTAL_S - (int64_t)((now_of(s) - h->received_ms) / 1000);
    if (left <= 0) return 0;
    return seconds < left ? seconds : left;
}

static int64_t next_extension_s(const struct sqs_source *s, const struct sqs_held *h)
{
    int64_t seconds = sqs_beats_extension_s(s->beats.visibility_s, h->level + 1);
    return sqs_beats_within_limit_s(s, h, seconds);
}

static size_t beating(const struct sqs_held *h)
{
    size_t n = h->beats;
    for (const struct sqs_held *m = h->group_next; m != h; m = m->group_next)
        n += m->beats;
    return n;
}

/* h is due: it and its group get the same timeout in the same request. */
static struct sqs_batch *beat_group(struct sqs_source *s, struct sqs_batch *b, struct sqs_held *h)
{
    int64_t seconds = next_extension_s(s, h);
    size_t n = beating(h);
    if (!seconds) {
        lose(s, h, "it was held for twelve hours, the longest that SQS allows");
        return b;
    }
    for (struct sqs_held *m = h; n; m = m->group_next) {
        if (!m->beats) continue;
        sqs_beats_forget(s, m);
        m->level = h->level;
        b = sqs_batch_with_room(s, b, n--, done);
        sqs_batch_add(b, m, seconds);
    }
    return b;
}

static void arm(struct sqs_source *s)
{
    struct sqs_beats *beats = &s->beats;
    uint64_t now = now_of(s), first = UINT64_MAX;
    for (uint32_t list = 0; list < SQS_BEAT_LISTS; list++) {
        const struct sqs_held *h = TAILQ_FIRST(&beats->lists[list]);
        if (h && h->beat_ms < first) first = h->beat_ms;
    }
    if (first != UINT64_MAX)
        loop_timer_start(loop_of(s), &beats->timer, first > now ? first - now : 0);
}

static void beat(void *arg)
{
    struct sqs_source *s = arg;
    struct sqs_batch *b = NULL;
    struct sqs_held *h;
    uint64_t company = (uint64_t)s->beats.visibility_s * 125;
    uint64_t until = now_of(s) + (company < MAX_COMPANY_MS ? company : MAX_COMPANY_MS);
    for (uint32_t list = 0; list < SQS_BEAT_LISTS; list++)
        while ((h = TAILQ_FIRST(&s->beats.lists[list])) && h->beat_ms <= until)
            b = beat_group(s, b, h);
    if (b) sqs_batch_send(b, SQS_CHANGE_MESSAGE_VISIBILITY_BATCH);
    arm(s);
}

void sqs_beats_init(struct sqs_source *s)
{
    s->beats.timer = (struct loop_timer){.run = beat, .arg = s};
    for (uint32_t list = 0; list < SQS_BEAT_LISTS; list++)
        TAILQ_INIT(&s->beats.lists[list]);
}

void sqs_beats_halt(struct sqs_source *s)
{
    loop_timer_stop(loop_of(s), &s->beats.timer);
}
