#include "connectors/sqs/sqs_source.h"

#include <stdio.h>
#include <stdlib.h>

#include "connectors/sqs/sqs_pack.h"

enum {
    DEFAULT_VISIBILITY_S = 30,
    CLOSE_MS = 3000, /* for what is on its way at the end */
};

static struct sqs_source *of(struct source *base)
{
    return (struct sqs_source *)base;
}

static const char *context(const struct sqs_source *s)
{
    return pipeline_name(s->pipeline);
}

/* ---- state ---- */

void sqs_source_report(struct sqs_source *s, enum sqs_source_part part, const struct error *why)
{
    unsigned before = s->parts_down;
    s->parts_down = why ? before | part : before & ~(unsigned)part;
    if (s->stopping) return;
    if (why)
        pipeline_source_state(&s->base, false, why);
    else if (before && !s->parts_down)
        pipeline_source_state(&s->base, true, NULL);
}

void sqs_source_acknowledge(struct sqs_source *s, struct sqs_held *h)
{
    struct receipt *r = h->receipt;
    h->receipt = NULL;
    if (r) pipeline_acknowledged(s->pipeline, &r, 1);
}

/* ---- verdicts ---- */

static struct sqs_held *held_of(uint64_t cookie)
{
    return (struct sqs_held *)(uintptr_t)cookie;
}

static bool comes_again(const struct source *base, uint64_t cookie)
{
    return sqs_comes_again((const struct sqs_source *)base, held_of(cookie));
}

static void settle(struct source *base, struct receipt *const *receipts, size_t n)
{
    struct sqs_source *s = of(base);
    for (size_t i = 0; i < n; i++) {
        struct sqs_held *h = held_of(receipts[i]->cookie);
        h->receipt = receipts[i];
        switch (receipts[i]->verdict) {
        case VERDICT_CONFIRMED:
            sqs_delete(s, h);
            break;
        case VERDICT_RELEASED:
            sqs_release(s, h);
            break;
        }
    }
    sqs_deletes_pump(s);
    sqs_releases_pump(s);
}

static void room(struct source *base)
{
    sqs_pollers_pump(of(base));
}

static void recall(struct source *base, struct bytes position)
{
    struct sqs_source *s = of(base);
    sqs_memory_add(&s->deletes.undeleted, position, loop_now_ms(pipeline_loop(s->pipeline)));
}

/* ---- start ---- */

static void begin(struct sqs_source *s)
{
    int64_t wanted =
        s->conf->visibility_timeout ? s->conf->visibility_timeout : s->facts.visibility_s;
    s->beats.visibility_s = wanted < 1 ? DEFAULT_VISIBILITY_S : wanted;
    sqs_pollers_pump(s);
}

static bool decode_facts(struct sqs_call *call, struct error *e)
{
    struct sqs_source *s = call->arg;
    return sqs_decode_queue_facts(sqs_call_answer(call), &s->facts, e);
}

static void check_redrive_policy(const struct sqs_source *s)
{
    if (pipeline_gives_back(s->pipeline) && !s->facts.max_receives)
        log_warn(context(s),
                 "queue %s has no redrive policy: what a sink refuses comes again and again (give "
                 "it one: sqsbridge queue set %s --dead-letter-queue NAME --max-receive-count 5)",
                 s->queue.name, s->queue.name);
}

static void say_denied(const struct sqs_source *s, const struct error *why)
{
    if (!s->conf->visibility_timeout)
        log_info(context(s), "%s: messages are received with visibility_timeout = %d", why->text,
                 DEFAULT_VISIBILITY_S);
    if (pipeline_gives_back(s->pipeline))
        log_info(context(s), "%s: the queue's redrive policy is not known here%s", why->text,
                 s->queue.fifo ? ", so what was received behind a message that is refused may go "
                                 "to the dead-letter queue with it"
                               : "");
}

static void facts_answered(struct sqs_call *call)
{
    struct sqs_source *s = call->arg;
    if (s->stopping) return;
    if (call->class == SQS_OK) {
        check_redrive_policy(s);
        begin(s);
    } else if (call->class == SQS_DENIED) {
        say_denied(s, &call->error);
        begin(s);
    } else {
        sqs_source_report(s, SQS_PART_RECEIVE, &call->error);
        loop_timer_start(pipeline_loop(s->pipeline), &s->setup_pause,
                         sqs_backoff_next_ms(&s->setup_backoff, sqs_client_random(s->acks)));
    }
}

static void ask_facts(void *arg)
{
    static const struct bytes names[] = {BYTES_INIT("VisibilityTimeout"),
                                         BYTES_INIT("RedrivePolicy")};
    struct sqs_source *s = arg;
    struct sqs_call *call = &s->setup;
    call->client = s->acks;
    call->action = SQS_GET_QUEUE_ATTRIBUTES;
    call->decode = decode_facts;
    call->done = facts_answered;
    call->arg = s;
    call->body.len = 0;
    sqs_encode_queue_attributes(&call->body, s->queue.url, names, 2);
    sqs_call_send(call);
}

static bool start(struct source *base, struct error *e)
{
    struct sqs_source *s = of(base);
    (void)e;
    if (!sqs_digest_has_md5(s->digest))
        log_info(context(s), "MD5 is not available: bodies are received unchecked");
    if (s->conf->visibility_timeout && !pipeline_gives_back(s->pipeline))
        begin(s);
    else
        ask_facts(s);
    return true;
}

/* ---- the end ---- */

static void stop(struct source *base)
{
    struct sqs_source *s = of(base);
    if (s->stopping) return;
    s->stopping = true;
    loop_timer_stop(pipeline_loop(s->pipeline), &s->setup_pause);
    if (s->setup.client) sqs_call_cancel(&s->setup);
    sqs_pollers_stop(s);
}

/* What SQS did not answer for in time comes again after its visibility timeout. */
static void hand_back(struct sqs_source *s)
{
    for (size_t i = 0; i <= s->held.mask; i++)
        for (struct sqs_held *h = s->held.buckets[i]; h; h = h->bucket_next)
            sqs_source_acknowledge(s, h);
}

static void client_closed(void *arg)
{
    struct sqs_source *s = arg;
    if (--s->clients_open) return;
    hand_back(s);
    pipeline_source_closed(&s->base);
}

static void close_clients(void *arg)
{
    struct sqs_source *s = arg;
    if (s->closed) return;
    s->closed = true;
    loop_timer_stop(pipeline_loop(s->pipeline), &s->close_deadline);
    sqs_pollers_halt(s);
    sqs_deletes_halt(s);
    sqs_beats_halt(s);
    sqs_client_close(s->polls, client_closed, s);
    sqs_client_close(s->acks, client_closed, s);
}

void sqs_source_advance(struct sqs_source *s)
{
    if (s->closed) return;
    sqs_releases_pump(s);
    if (!s->closing || s->pollers.open_count || s->deletes.in_flight || !sqs_releases_idle(s))
        return;
    close_clients(s);
}

static void close_source(struct source *base)
{
    struct sqs_source *s = of(base);
    stop(base);
    s->closing = true;
    loop_timer_start(pipeline_loop(s->pipeline), &s->close_deadline, CLOSE_MS);
    sqs_source_advance(s);
}

static void destroy(struct source *base)
{
    if (!base) return;
    struct sqs_source *s = of(base);
    sqs_pollers_free(s);
    sqs_batch_free_all(s);
    sqs_call_free(&s->setup);
    sqs_held_free(&s->held);
    sqs_deletes_free(s);
    sqs_received_free(&s->received);
    sqs_digest_destroy(s->digest);
    free(s->scratch.ptr);
    free(s);
}

/* ---- making ---- */

static void nothing(void *arg)
{
    (void)arg;
}

static struct sqs_client *create_client(const struct sqs_source *s, struct error *e)
{
    return sqs_client_of(s->pipeline, &s->conf->queue, &s->queue, s->conf->max_pollers, e);
}

static bool create_clients(struct sqs_source *s, struct error *e)
{
    s->polls = create_client(s, e);
    if (!s->polls) return false;
    s->acks = create_client(s, e);
    if (s->acks) return true;
    sqs_client_close(s->polls, nothing, NULL);
    return false;
}

static struct source *create(const void *conf, struct pipeline *p, struct error *e)
{
    const char *option;
    struct sqs_source *s = mem_zalloc(sizeof(*s));
    s->conf = conf;
    s->pipeline = p;
    s->parts_down = SQS_PART_RECEIVE; /* until an answer comes */
    if (!sqs_queue_resolve(&s->conf->queue, &s->queue, &option, e) || !create_clients(s, e)) {
        free(s);
        return NULL;
    }
    s->clients_open = 2;
    s->digest = sqs_digest_create();
    s->setup_pause = (struct loop_timer){.run = ask_facts, .arg = s};
    s->close_deadline = (struct loop_timer){.run = close_clients, .arg = s};
    TAILQ_INIT(&s->batches);
    sqs_held_init(&s->held);
    sqs_pollers_init(s);
    sqs_deletes_init(s);
    sqs_beats_init(s);
    sqs_releases_init(s);
    return &s->base;
}

static struct source_promise promise(const void *conf)
{
    const struct sqs_source_conf *c = conf;
    bool fifo = sqs_is_fifo(&c->queue);
    return (struct source_promise){.at_least_once = true,
                                   .ordered_by = fifo ? "message group" : NULL,
                                   .takes_back = "the queue",
                                   .max_message_bytes = SQS_MAX_BYTES};
}

static void describe(const void *conf, char *text, size_t size)
{
    const struct sqs_source_conf *c = conf;
    sqs_describe(&c->queue, text, size);
}

const struct source_ops sqs_source_ops = {
    .opts = sqs_source_opts,
    .conf_size = sizeof(struct sqs_source_conf),
    .check = sqs_source_check,
    .promise = promise,
    .describe = describe,
    .create = create,
    .start = start,
    .room = room,
    .settle = settle,
    .recall = recall,
    .comes_again = comes_again,
    .stop = stop,
    .close = close_source,
    .destroy = destroy,
};
