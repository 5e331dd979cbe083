/* What a receive brought: checked, told apart from what is held already, and handed on. */
#include "connectors/sqs/sqs_source.h"

#include "bridge/mapping.h"
#include "bridge/text.h"

/* Never 0: that is the lane of messages without order. */
static uint32_t lane_of(const struct sqs_source *s, struct bytes group)
{
    if (!s->queue.fifo) return 0;
    uint64_t hash = text_hash(group);
    uint32_t lane = (uint32_t)(hash ^ hash >> 32);
    return lane ? lane : 1;
}

static struct msg *make_msg(struct sqs_source *s, const struct sqs_message *m)
{
    struct msg_draft draft = {
        .body = m->body,
        .key = m->group,
        .topic = bytes_str(s->queue.name),
        .position = m->id,
        .timestamp_ms = m->sent_ms,
        .attrs = m->attrs,
        .attr_count = m->attr_count,
    };
    s->scratch.len = 0;
    mapping_from_sqs(&draft, s->attrs, &s->scratch);
    return msg_new(&draft);
}

/* The message is held: it gets its new handle, and is not sent again. */
static void received_again(struct sqs_source *s, struct sqs_held *h, const struct sqs_message *m)
{
    stats_add(pipeline_stats(s->pipeline), COUNT_REDELIVERED, 1);
    sqs_held_set_handle(h, m->handle);
    h->receives = m->receives;
    switch (h->state) {
    case SQS_IN_FLIGHT:
    case SQS_DELETING:
        sqs_beats_received(s, h);
        break;
    case SQS_RELEASING:
        sqs_beats_received(s, h);
        if (!h->queued) sqs_release(s, h);
        break;
    case SQS_GONE: /* not in the table */
        break;
    }
}

/* It was confirmed before: it is only deleted, with its new handle. */
static void received_confirmed(struct sqs_source *s, struct sqs_held *h)
{
    stats_add(pipeline_stats(s->pipeline), COUNT_REDELIVERED, 1);
    sqs_beats_received(s, h);
    sqs_delete(s, h);
}

/* True: it went to the pipeline. */
static bool received_new(struct sqs_source *s, struct sqs_held *h, const struct sqs_message *m)
{
    h->receives = m->receives;
    if (sqs_deletes_forget(s, m->id)) {
        received_confirmed(s, h);
        return false;
    }
    if (s->stopping) {
        sqs_release(s, h);
        return false;
    }
    sqs_beats_received(s, h);
    pipeline_emit(s->pipeline, make_msg(s, m), (uintptr_t)h, lane_of(s, m->group));
    return true;
}

/* False: the body is not what was sent; it counts as not received and comes again. Attributes are
 * only counted, because SQS may have normalised a number. */
static bool is_intact(struct sqs_source *s, const struct sqs_message *m)
{
    struct sqs_md5 body = sqs_digest_body(s->digest, m->body);
    if (!sqs_digest_agrees(s->digest, &body, m->body_md5)) {
        stats_add(pipeline_stats(s->pipeline), COUNT_WRONG_BODIES, 1);
        log_limited(&s->md5_complaint, LOG_WARN, pipeline_name(s->pipeline),
                    "a message arrived damaged (its MD5 differs), and is received again");
        return false;
    }
    if (!m->attrs_md5.len) return true;
    struct sqs_md5 attrs = sqs_digest_attrs(s->digest, m->attrs, m->attr_count);
    if (!sqs_digest_agrees(s->digest, &attrs, m->attrs_md5))
        stats_add(pipeline_stats(s->pipeline), COUNT_WRONG_ATTRIBUTES, 1);
    return true;
}

/* The message before this one of its group, in this receive; NULL: it is the first, or there is no
 * order. */
static const struct sqs_message *before(const struct sqs_source *s,
                                        const struct sqs_received *received, size_t i)
{
    const struct sqs_message *m = &received->messages[i];
    while (s->queue.fifo && i--)
        if (bytes_eq(received->messages[i].group, m->group)) return &received->messages[i];
    return NULL;
}

unsigned sqs_source_take(struct sqs_source *s, const struct sqs_received *received)
{
    struct sqs_held *held[SQS_BATCH] = {NULL}; /* NULL: not taken */
    unsigned emitted = 0;
    for (size_t i = 0; i < received->count; i++) {
        const struct sqs_message *m = &received->messages[i], *last = before(s, received, i);
        struct sqs_held *mate = last ? held[last - received->messages] : NULL;
        if ((last && !mate) || !is_intact(s, m)) continue; /* nor what follows it in its group */
        struct sqs_held *h = sqs_held_find(&s->held, m->id);
        bool known = h != NULL;
        if (!known) h = sqs_held_add(&s->held, m->id, m->handle);
        held[i] = h;
        if (mate) sqs_held_join(h, mate);
        if (known)
            received_again(s, h, m);
        else
            emitted += received_new(s, h, m);
    }
    sqs_deletes_pump(s);
    return emitted;
}
