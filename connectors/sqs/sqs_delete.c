/* Confirmed messages are deleted in batches of ten, on connections of their own, until SQS has
 * forgotten them or their handles are dead. */
#include "connectors/sqs/sqs_source.h"

enum {
    LINGER_MS = 5, /* for company, only while other deletes are on their way */
    MIN_UNDELETED = 10000,
    UNDELETED_MS = 12 * 60 * 60 * 1000, /* no message stays invisible for longer */
    MAX_DELETED = 2000,
    DELETED_MS = 10 * 1000,
};

static struct loop *loop_of(const struct sqs_source *s)
{
    return pipeline_loop(s->pipeline);
}

static void enqueue(struct sqs_deletes *d, struct sqs_held *h)
{
    TAILQ_INSERT_TAIL(&d->waiting, h, queue);
    d->waiting_count++;
}

static void linger_is_over(void *arg)
{
    struct sqs_source *s = arg;
    s->deletes.lingered = true;
    sqs_deletes_pump(s);
}

/* Those that failed come first again, in their order. */
static void pause_is_over(void *arg)
{
    struct sqs_source *s = arg;
    struct sqs_deletes *d = &s->deletes;
    struct sqs_held *h;
    while ((h = TAILQ_LAST(&d->again, sqs_held_list))) {
        TAILQ_REMOVE(&d->again, h, queue);
        TAILQ_INSERT_HEAD(&d->waiting, h, queue);
        d->waiting_count++;
    }
    d->down = false;
    sqs_deletes_pump(s);
}

/* An outage that outlasts the visibility timeout makes a whole window come again. */
void sqs_deletes_init(struct sqs_source *s)
{
    struct sqs_deletes *d = &s->deletes;
    unsigned window = pipeline_window(s->pipeline);
    sqs_memory_init(&d->undeleted, window > MIN_UNDELETED ? window : MIN_UNDELETED, UNDELETED_MS);
    sqs_memory_init(&d->deleted, MAX_DELETED, DELETED_MS);
    TAILQ_INIT(&d->waiting);
    TAILQ_INIT(&d->again);
    d->max_in_flight = (unsigned)s->conf->max_pollers;
    d->linger = (struct loop_timer){.run = linger_is_over, .arg = s};
    d->pause = (struct loop_timer){.run = pause_is_over, .arg = s};
}

void sqs_deletes_free(struct sqs_source *s)
{
    sqs_memory_free(&s->deletes.undeleted);
    sqs_memory_free(&s->deletes.deleted);
}

bool sqs_deletes_forget(struct sqs_source *s, struct bytes id)
{
    return sqs_memory_take(&s->deletes.deleted, id) || sqs_memory_take(&s->deletes.undeleted, id);
}

void sqs_delete(struct sqs_source *s, struct sqs_held *h)
{
    h->state = SQS_DELETING;
    enqueue(&s->deletes, h); /* where it is not ours any more, send_batch() sees to it */
}

/* ---- answers ---- */

static void finish(struct sqs_source *s, struct sqs_held *h, struct sqs_memory *memory)
{
    sqs_beats_forget(s, h);
    sqs_source_acknowledge(s, h);
    sqs_memory_add(memory, sqs_held_id(h), loop_now_ms(loop_of(s)));
    sqs_held_remove(&s->held, h);
}

/* Its handle is dead: SQS will deliver it again, and then it is deleted with the new one. */
static void undeletable(struct sqs_source *s, struct sqs_held *h, const struct sqs_result *r)
{
    log_limited(&s->deletes.complaint, LOG_WARN, pipeline_name(s->pipeline),
                "a confirmed message could not be deleted, and will be when it comes again: %.*s: "
                "%.*s (if this repeats, raise visibility_timeout)",
                BYTES_ARGS(r->code), BYTES_ARGS(r->message));
    finish(s, h, &s->deletes.undeleted);
}

/* True: the entry has ended, one way or the other. */
static bool settle_entry(struct sqs_batch *b, size_t i)
{
    struct sqs_source *s = b->source;
    struct sqs_held *h = b->held[i];
    enum sqs_class class = sqs_batch_outcome(b, i);
    bool dead = class == SQS_HANDLE || class == SQS_SENDER;
    if (sqs_batch_outdated(b, i) && (class == SQS_OK || dead))
        enqueue(&s->deletes, h); /* a success with an old handle may not have deleted it */
    else if (class == SQS_OK)
        finish(s, h, &s->deletes.deleted);
    else if (dead)
        undeletable(s, h, &b->results[i]);
    else
        return false;
    return true;
}

static void pause_deletes(struct sqs_source *s)
{
    struct sqs_deletes *d = &s->deletes;
    if (d->pause.slot) return;
    uint32_t delay = sqs_backoff_next_ms(&d->backoff, sqs_client_random(s->acks));
    loop_timer_start(loop_of(s), &d->pause, delay);
}

static void requeue(struct sqs_batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        TAILQ_INSERT_TAIL(&b->source->deletes.again, b->held[i], queue);
}

static void requeue_alone(struct sqs_batch *b)
{
    struct sqs_deletes *d = &b->source->deletes;
    for (size_t i = b->count; i--;)
        TAILQ_INSERT_HEAD(&d->waiting, b->held[i], queue);
    d->waiting_count += b->count;
    d->alone += (unsigned)b->count;
}

/* The request as a whole failed. One handle may be to blame (some servers refuse all for one): the
 * ten are tried one by one. */
static void batch_failed(struct sqs_batch *b)
{
    struct sqs_source *s = b->source;
    struct sqs_deletes *d = &s->deletes;
    bool refused = b->call.class == SQS_HANDLE || b->call.class == SQS_SENDER;
    if (refused && b->count > 1) {
        requeue_alone(b);
    } else if (refused) {
        struct sqs_result why = {.message = bytes_str(b->call.error.text)};
        undeletable(s, b->held[0], &why);
    } else {
        d->down = true;
        requeue(b);
        pause_deletes(s);
        sqs_source_report(s, SQS_PART_DELETE, &b->call.error);
    }
}

static void batch_answered(struct sqs_batch *b)
{
    struct sqs_source *s = b->source;
    struct sqs_deletes *d = &s->deletes;
    size_t failed = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (settle_entry(b, i)) continue;
        TAILQ_INSERT_TAIL(&d->again, b->held[i], queue);
        failed++;
    }
    if (failed) pause_deletes(s);
    if (failed < b->count) sqs_source_report(s, SQS_PART_DELETE, NULL);
    if (!failed) d->backoff.failures = 0;
}

static void done(struct sqs_batch *b)
{
    struct sqs_source *s = b->source;
    s->deletes.in_flight--;
    if (b->call.class == SQS_OK)
        batch_answered(b);
    else if (!s->closing)
        batch_failed(b);
    else
        requeue(b);
    sqs_deletes_pump(s);
}

/* ---- sending ---- */

static size_t next_size(const struct sqs_deletes *d)
{
    size_t most = d->alone ? 1 : SQS_BATCH;
    return d->waiting_count < most ? d->waiting_count : most;
}

/* Fewer than ten wait a little for company, but only where something is on its way anyway. */
static bool may_send(const struct sqs_deletes *d)
{
    if (!d->waiting_count || d->down || d->in_flight >= d->max_in_flight) return false;
    return d->waiting_count >= SQS_BATCH || d->in_flight == 0 || d->lingered || d->alone;
}

static struct sqs_held *next(struct sqs_deletes *d)
{
    struct sqs_held *h = TAILQ_FIRST(&d->waiting);
    TAILQ_REMOVE(&d->waiting, h, queue);
    d->waiting_count--;
    return h;
}

/* Somebody else may have it by now, whose it is to delete. Should it come again to us, it is
 * deleted with its new handle. */
static void leave_to_others(struct sqs_source *s, struct sqs_held *h)
{
    finish(s, h, &s->deletes.undeleted);
}

static void send_batch(struct sqs_source *s)
{
    struct sqs_deletes *d = &s->deletes;
    struct sqs_batch *b = sqs_batch_take(s, done);
    for (size_t n = next_size(d); n; n--) {
        struct sqs_held *h = next(d);
        if (sqs_beats_keep(s, h))
            sqs_batch_add(b, h, 0);
        else
            leave_to_others(s, h);
    }
    if (d->alone) d->alone--;
    if (!b->count) {
        TAILQ_INSERT_HEAD(&s->batches, b, pool);
        return;
    }
    d->in_flight++;
    sqs_batch_send(b, SQS_DELETE_MESSAGE_BATCH);
}

void sqs_deletes_pump(struct sqs_source *s)
{
    struct sqs_deletes *d = &s->deletes;
    if (s->closing) return;
    while (may_send(d))
        send_batch(s);
    d->lingered = false;
    if (!d->waiting_count)
        loop_timer_stop(loop_of(s), &d->linger);
    else if (!d->linger.slot && !d->down)
        loop_timer_start(loop_of(s), &d->linger, LINGER_MS);
}

bool sqs_deletes_idle(const struct sqs_source *s)
{
    const struct sqs_deletes *d = &s->deletes;
    return !d->waiting_count && !d->in_flight && TAILQ_EMPTY(&d->again);
}

void sqs_deletes_halt(struct sqs_source *s)
{
    loop_timer_stop(loop_of(s), &s->deletes.linger);
    loop_timer_stop(loop_of(s), &s->deletes.pause);
}
