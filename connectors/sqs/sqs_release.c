/* What is given back is visible to others at once. The messages of a FIFO group go together, and
 * only when none of them is with the pipeline or being deleted any more. They go from the last to
 * the first: what is released stays hidden behind an earlier one that is not, so nobody receives a
 * part of the group, whatever becomes of single entries. And none goes while a poll is open, which
 * might receive it. */
#include "connectors/sqs/sqs_source.h"

void sqs_releases_init(struct sqs_source *s)
{
    TAILQ_INIT(&s->releases.waiting);
}

void sqs_release(struct sqs_source *s, struct sqs_held *h)
{
    sqs_beats_forget(s, h);
    if (h->lost) { /* nothing of ours to give */
        sqs_source_acknowledge(s, h);
        sqs_held_remove(&s->held, h);
        return;
    }
    h->state = SQS_RELEASING;
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
        sqs_source_acknowledge(s, h);
        sqs_held_remove(&s->held, h);
    }
}

static bool group_has_ended(const struct sqs_held *h)
{
    for (const struct sqs_held *m = h->group_next; m != h; m = m->group_next)
        if (m->state == SQS_IN_FLIGHT || m->state == SQS_DELETING) return false;
    return true;
}

static size_t group_size(const struct sqs_held *h)
{
    size_t n = h->queued;
    for (const struct sqs_held *m = h->group_next; m != h; m = m->group_next)
        n += m->queued;
    return n;
}

static struct sqs_batch *add_group(struct sqs_source *s, struct sqs_batch *b, struct sqs_held *h,
                                   struct sqs_held_list *look)
{
    struct sqs_held *m = sqs_held_first_of_group(h)->group_prev;
    for (size_t n = group_size(h); n; m = m->group_prev) {
        if (!m->queued) continue;
        m->queued = false;
        TAILQ_REMOVE(look, m, queue);
        b = sqs_batch_with_room(s, b, n--, done);
        sqs_batch_add(b, m, 0);
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
    if (!s->closing && !sqs_deletes_idle(s)) return;
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
