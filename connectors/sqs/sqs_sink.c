#include "connectors/sqs/sqs_sink.h"

#include <stdlib.h>

static struct sqs_sink *of(struct sink *base)
{
    return (struct sqs_sink *)base;
}

static struct loop *loop_of(const struct sqs_sink *s)
{
    return pipeline_loop(s->pipeline);
}

/* ---- state ---- */

void sqs_sink_up(struct sqs_sink *s)
{
    if (s->state == SINK_UP || s->closing) return;
    s->state = SINK_UP;
    s->owes_legs = false;
    s->backoff.failures = 0;
    loop_timer_stop(loop_of(s), &s->pause);
    pipeline_sink_state(&s->base, SINK_UP, NULL);
}

void sqs_sink_down(struct sqs_sink *s, const struct error *why)
{
    if (s->closing || (s->state == SINK_DOWN && s->pause.slot)) return;
    s->state = SINK_DOWN;
    loop_timer_start(loop_of(s), &s->pause,
                     sqs_backoff_next_ms(&s->backoff, sqs_client_random(s->client)));
    pipeline_sink_state(&s->base, SINK_DOWN, why);
}

/* Asks for something harmless, to know whether the queue is there before a message depends on it.
 */
static void send_probe(struct sqs_sink *s)
{
    static const struct bytes name = BYTES_INIT("QueueArn");
    s->probe.body.len = 0;
    sqs_encode_queue_attributes(&s->probe.body, s->queue.url, &name, 1);
    sqs_call_send(&s->probe);
}

static bool decode_probe(struct sqs_call *call, struct error *e)
{
    struct sqs_queue_facts ignored;
    return sqs_decode_queue_facts(sqs_call_answer(call), &ignored, e);
}

/* Who may send may not be allowed to ask: that is no reason not to send. */
static void probed(struct sqs_call *call)
{
    struct sqs_sink *s = call->arg;
    if (call->class == SQS_OK || call->class == SQS_DENIED)
        sqs_sink_up(s);
    else
        sqs_sink_down(s, &call->error);
}

static void pause_is_over(void *arg)
{
    struct sqs_sink *s = arg;
    if (!s->owes_legs) {
        send_probe(s);
        return;
    }
    s->state = SINK_TRY;
    pipeline_sink_state(&s->base, SINK_TRY, NULL);
}

/* ---- start and end ---- */

static bool start(struct sink *base, struct error *e)
{
    struct sqs_sink *s = of(base);
    (void)e;
    if (!sqs_digest_has_md5(s->digest))
        log_info(pipeline_name(s->pipeline), "MD5 is not available: sends are not verified by it");
    s->probe.client = s->client;
    s->probe.action = SQS_GET_QUEUE_ATTRIBUTES;
    s->probe.decode = decode_probe;
    s->probe.done = probed;
    s->probe.arg = s;
    send_probe(s);
    return true;
}

static void client_closed(void *arg)
{
    struct sqs_sink *s = arg;
    pipeline_sink_closed(&s->base);
}

static void close_sink(struct sink *base)
{
    struct sqs_sink *s = of(base);
    s->closing = true;
    loop_timer_stop(loop_of(s), &s->pause);
    sqs_sends_abandon(s);
    sqs_client_close(s->client, client_closed, s);
}

static void destroy(struct sink *base)
{
    struct sqs_sink *s = of(base);
    if (!s) return;
    sqs_sends_free(s);
    sqs_call_free(&s->probe);
    sqs_maker_free(&s->maker);
    sqs_digest_destroy(s->digest);
    free(s);
}

static struct sink *create(const void *conf, struct pipeline *p, struct error *e)
{
    const char *option;
    struct sqs_sink *s = mem_zalloc(sizeof(*s));
    s->conf = conf;
    s->pipeline = p;
    if (sqs_queue_resolve(&s->conf->queue, &s->queue, &option, e))
        s->client = sqs_client_of(p, &s->conf->queue, &s->queue, s->conf->max_connections, e);
    if (!s->client) {
        free(s);
        return NULL;
    }
    s->digest = sqs_digest_create();
    s->maker = (struct sqs_maker){
        .conf = s->conf,
        .queue = &s->queue,
        .pipeline = pipeline_name(p),
        .digest = s->digest,
        .nonce = sqs_random(sqs_client_random(s->client)),
    };
    s->pause = (struct loop_timer){.run = pause_is_over, .arg = s};
    sqs_sends_init(s);
    return &s->base;
}

static size_t submit(struct sink *base, struct leg *const *legs, size_t n)
{
    return sqs_sends_submit(of(base), legs, n);
}

static void flush(struct sink *base)
{
    sqs_sends_flush(of(base));
}

static struct sink_promise promise(const void *conf)
{
    const struct sqs_sink_conf *c = conf;
    bool fifo = sqs_is_fifo(&c->queue);
    return (struct sink_promise){
        .order = fifo ? ORDER_BATCH : ORDER_NONE,
        .confirmed = true,
        .order_but = fifo && c->fifo_batch_same_group ? "not where SQS refuses one of a batch and "
                                                        "takes the next (fifo_batch_same_group)"
                                                      : NULL,
        .max_message_bytes = c->max_message_bytes,
    };
}

static bool letters(const void *conf, struct letter_place *place, struct error *e)
{
    const struct sqs_sink_conf *c = conf;
    struct sqs_source_conf *source = place->conf;
    (void)e;
    source->queue = c->queue;
    source->wait_time_seconds = 1; /* an empty queue is noticed soon */
    place->selective = true;
    if (!place->take) place->note = "looking counts as a receive of each message";
    return true;
}

static void describe(const void *conf, char *text, size_t size)
{
    const struct sqs_sink_conf *c = conf;
    sqs_describe(&c->queue, text, size);
}

const struct sink_ops sqs_sink_ops = {
    .opts = sqs_sink_opts,
    .conf_size = sizeof(struct sqs_sink_conf),
    .check = sqs_sink_check,
    .promise = promise,
    .describe = describe,
    .letters = letters,
    .create = create,
    .start = start,
    .submit = submit,
    .max_batch = SQS_BATCH,
    .flush = flush,
    .close = close_sink,
    .destroy = destroy,
};
