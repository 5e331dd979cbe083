#include "connectors/sqs/sqs_source.h"

#include <stdlib.h>

static bool decode(struct sqs_call *call, struct error *e)
{
    struct sqs_batch *b = call->arg;
    return sqs_decode_batch(sqs_call_answer(call), NULL, b->results, b->count, e);
}

static void finish(struct sqs_call *call)
{
    struct sqs_batch *b = call->arg;
    struct sqs_source *s = b->source;
    b->done(b);
    for (size_t i = 0; i < b->count; i++)
        sqs_held_unref(&s->held, b->held[i]);
    TAILQ_INSERT_HEAD(&s->batches, b, pool);
    sqs_source_advance(s);
}

struct sqs_batch *sqs_batch_take(struct sqs_source *s, void (*done)(struct sqs_batch *b))
{
    struct sqs_batch *b = TAILQ_FIRST(&s->batches);
    if (b)
        TAILQ_REMOVE(&s->batches, b, pool);
    else
        b = mem_zalloc(sizeof(*b));
    b->source = s;
    b->done = done;
    b->count = 0;
    b->call.client = s->acks;
    b->call.decode = decode;
    b->call.done = finish;
    b->call.arg = b;
    return b;
}

void sqs_batch_add(struct sqs_batch *b, struct sqs_held *h, int64_t seconds)
{
    sqs_held_ref(h);
    b->held[b->count] = h;
    b->versions[b->count] = h->handle_version;
    b->seconds[b->count++] = seconds;
}

struct sqs_batch *sqs_batch_with_room(struct sqs_source *s, struct sqs_batch *b, size_t n,
                                      void (*done)(struct sqs_batch *b))
{
    if (b && b->count && b->count + n > SQS_BATCH) {
        sqs_batch_send(b, SQS_CHANGE_MESSAGE_VISIBILITY_BATCH);
        b = NULL;
    }
    return b ? b : sqs_batch_take(s, done);
}

void sqs_batch_send(struct sqs_batch *b, enum sqs_action action)
{
    struct bytes handles[SQS_BATCH];
    struct sqs_handles batch = {
        .queue_url = b->source->queue.url,
        .handles = handles,
        .seconds = action == SQS_DELETE_MESSAGE_BATCH ? NULL : b->seconds,
        .count = b->count,
    };
    for (size_t i = 0; i < b->count; i++)
        handles[i] = sqs_held_handle(b->held[i]);
    b->call.body.len = 0;
    sqs_encode_handles(&b->call.body, &batch);
    b->call.action = action;
    b->sent_ms = loop_now_ms(pipeline_loop(b->source->pipeline));
    sqs_call_send(&b->call);
}

enum sqs_class sqs_batch_outcome(const struct sqs_batch *b, size_t i)
{
    return b->call.class == SQS_OK ? sqs_classify_result(&b->results[i]) : b->call.class;
}

bool sqs_batch_outdated(const struct sqs_batch *b, size_t i)
{
    return b->versions[i] != b->held[i]->handle_version;
}

void sqs_batch_free_all(struct sqs_source *s)
{
    struct sqs_batch *b;
    while ((b = TAILQ_FIRST(&s->batches))) {
        TAILQ_REMOVE(&s->batches, b, pool);
        sqs_call_free(&b->call);
        free(b);
    }
}
