/* What is given back: by a stop, for others to receive at once; or while the source runs, because a
 * sink refused it, and then it stays hidden for a while, the longer the more often it was received.
 *
 * The messages of a FIFO group go together, all hidden for as long as the longest of them, and only
 * when none of them is with the pipeline or being deleted any more. They go from the last to the
 * first: what is released stays hidden behind an earlier one that is not, so nobody receives a part
 * of the group, whatever becomes of single entries. At a stop none goes while a poll is open, which
 * might receive it. */
#include "connectors/sqs/sqs_source.h"

enum { OFTEN = 20 };

void sqs_releases_init(struct sqs_source *s)
{
    TAILQ_INIT(&s->releases.waiting);
}

/* ---- for how long ---- */

bool sqs_comes_again(const struct sqs_source *s, const struct sqs_held *h)
{
    return !s->facts.max_receives || h->receives != s->facts.max_receives;
}

static bool is_refused(const struct sqs_held *h)
{
    return h->receipt && h->receipt->refused;
}

/* One that won't come again goes on to its dead-letter queue at once, and its group goes on. */
static int64_t hide_s(struct sqs_source *s, const struct sqs_held *h)
{
    if (!is_refused(h) || !sqs_comes_again(s, h)) return 0;
    uint64_t ms = pipeline_backoff_ms(s->pipeline, (uint64_t)h->receives);
    int64_t seconds = sqs_beats_within_limit_s(s, h, (int64_t)((ms + 999) / 1000));
    return seconds < 1 ? 1 : seconds;
}

static void complain_often(struct sqs_source *s, const struct sqs_held *h)
{
    if (!is_refused(h) || s->facts.max_receives || h->receives < OFTEN) return;
    log_limited(&s->releases.again_and_again, LOG_WARN, pipeline_name(s->pipeline),
                "message %.*s was received %lld times and refused again (give queue %s a redrive "
                "policy: sqsbridge queue set %s --dead-letter-queue NAME)",
                BYTES_ARGS(sqs_held_id(h)), (long long)h->receives, s->queue.name, s->queue.name);
}

/* ---- what is given ---- */

static void finish(struct sqs_source *s, struct sqs_held *h)
{
    sqs_beats_forget(s, h);
    sqs_source_acknowledge(s, h);
    sqs_held_remove(&s->held, h);
}

void sqs_release(struct sqs_source *s, struct sqs_held *h)
{
    if (h->lost) { /* nothing of ours to give */
        finish(s, h);
        return;
    }
    complain_often(s, h);
    h->state = SQS_RELEASING;
    h->hide_s = hide_s(s, h);
    h->queued = true;
    TAILQ_INSERT_TAIL(&s->releases.waiting, h, queue);
}

static void done(struct sqs_batch *b)
{
    struct sqs_source *s = b->source;
    s->releases.in_flight -= b->count;
    if (b->call.class != SQS_OK)
        log_limited(&s->releases.complaint, LOG_WARN, pipeline_name(s->pipeline),
                    "messages could not be given back, and return after their visibility timeout: "
                    "%s",
                    b->call.error.text);
    for (size_t i = 0; i < b->count; i++) {
        struct sqs_held *h = b->held[i];
        if (sqs_batch_outdated(b, i)) continue; /* it came again, and is released again */
        finish(s, h);
    }
}

static bool group_has_ended(const struct sqs_held *h)
{
    for (const struct sqs_held *m = h->group_next; m != h; m = m->group_next)
        if (m->state == SQS_IN_FLIGHT || m->state == SQS_DELETING) return false;
    return true;
}

/* How many of its group are to be released, and for how long they are to be hidden. */
static size_t group_size(const struct sqs_held *h, int64_t *seconds)
{
    size_t n = h->queued;
    *seconds = h->hide_s;
    for (const struct sqs_held *m = h->group_next; m != h; m = m->group_next) {
        n += m->queued;
        if (m->queued && m->hide_s > *seconds) *seconds = m->hide_s;
    }
    return n;
}

static struct sqs_batch *add_group(struct sqs_source *s, struct sqs_batch *b, struct sqs_held *h,
                                   struct sqs_held_list *look)
{
    struct sqs_held *m = sqs_held_first_of_group(h)->group_prev, *before;
    int64_t seconds;
    for (size_t n = group_size(h, &seconds); n; m = before) {
        before = m->group_prev;
        if (!m->queued) continue;
        m->queued = false;
        TAILQ_REMOVE(look, m, queue);
        sqs_beats_forget(s, m);
        n--;
        if (m->lost) {
            finish(s, m);
            continue;
        }
        b = sqs_batch_with_room(s, b, n + 1, done);
        sqs_batch_add(b, m, seconds);
        s->releases.in_flight++;
    }
    return b;
}

void sqs_releases_pump(struct sqs_source *s)
{
    struct sqs_releases *r = &s->releases;
    struct sqs_held_list look = TAILQ_HEAD_INITIALIZER(look);
    struct sqs_batch *b = NULL;
    struct sqs_held *h;
    if (s->closed || (s->stopping && !sqs_pollers_are_gone(s))) return;
    if (s->stopping && !s->closing && !sqs_deletes_idle(s)) return;
    TAILQ_CONCAT(&look, &r->waiting, queue);
    while ((h = TAILQ_FIRST(&look))) {
        if (s->closing || group_has_ended(h)) {
            b = add_group(s, b, h, &look);
        } else {
            TAILQ_REMOVE(&look, h, queue);
            TAILQ_INSERT_TAIL(&r->waiting, h, queue);
        }
    }
    if (b) sqs_batch_send(b, SQS_CHANGE_MESSAGE_VISIBILITY_BATCH);
}

bool sqs_releases_idle(const struct sqs_source *s)
{
    return !s->releases.in_flight && TAILQ_EMPTY(&s->releases.waiting);
}
