/* Messages in: from the partitions' queues into the pipeline, as far as it has room. */
#include "connectors/kafka/errors.h"
#include "connectors/kafka/source.h"

enum {
    TURN_BUDGET = 512, /* messages, before others on the loop get their turn */
    BURST = 64,        /* messages of one partition */
    POSITION_BITS = 44,
};

#define POSITION_MASK (((uint64_t)1 << POSITION_BITS) - 1)

static uint64_t cookie_of(const struct kafka_partition *p, uint64_t position)
{
    return (uint64_t)p->index << POSITION_BITS | (position & POSITION_MASK);
}

struct kafka_partition *kafka_partition_of(struct kafka_source *s, uint64_t cookie,
                                           uint64_t *position)
{
    struct kafka_partition *p = s->partitions[cookie >> POSITION_BITS];
    *position = p->window.head + ((cookie - p->window.head) & POSITION_MASK);
    return p;
}

void kafka_read_soon(struct kafka_source *s)
{
    if (!s->stopped) loop_at_turn_end(s->client.loop, &s->read);
}

void kafka_read_again(struct kafka_source *s)
{
    for (size_t i = 0; i < s->partition_count; i++)
        if (s->partitions[i]) s->partitions[i]->dry = false;
    kafka_read_soon(s);
}

static bool readable(const struct kafka_partition *p)
{
    return p && p->queue && !p->held && !p->dry && !p->revoking;
}

static struct kafka_partition *next_readable(struct kafka_source *s)
{
    for (size_t i = 0; i < s->partition_count; i++) {
        struct kafka_partition *p = s->partitions[s->next++ % s->partition_count];
        if (readable(p)) return p;
    }
    return NULL;
}

static bool reserve(struct kafka_source *s)
{
    if (!s->reserved) s->reserved = pipeline_reserve(s->base.pipeline, 1);
    s->starved = !s->reserved;
    return s->reserved;
}

static void emit(struct kafka_source *s, struct kafka_partition *p, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *from = rd_kafka_event_message_next(event);
    struct msg *m = kafka_draft_msg(&s->draft, from, bytes_of(p->topic, p->topic_len));
    if (s->draft.cut)
        log_limited(&s->complaint, LOG_WARN, s->client.context,
                    "message %.*s has more than %d headers: the rest is left out",
                    BYTES_ARGS(m->position), MSG_MAX_ATTRS);
    uint64_t position = kafka_window_push(&p->window, from->offset, loop_now_ms(s->client.loop));
    p->next_offset = from->offset + 1;
    p->read_count++;
    p->read_bytes += m->size;
    p->in_flight++;
    s->reserved = false;
    pipeline_emit(s->base.pipeline, m, cookie_of(p, position), p->lane_id);
    if (!s->up) kafka_source_state(s, true, NULL);
}

static void handle(struct kafka_source *s, struct kafka_partition *p, rd_kafka_event_t *event)
{
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH)
        emit(s, p, event);
    else if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        kafka_offset_missing(s, p, event);
    else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR)
        s->client.ops->error(s, rd_kafka_event_error(event), rd_kafka_event_error_string(event),
                             rd_kafka_event_error_is_fatal(event));
    rd_kafka_event_destroy(event);
}

/* Returns how many events of this partition were handled. */
static unsigned read_burst(struct kafka_source *s, struct kafka_partition *p)
{
    unsigned n = 0;
    for (; n < BURST && readable(p) && reserve(s); n++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(p->queue, 0);
        p->dry = event == NULL;
        if (event) handle(s, p, event);
    }
    return n;
}

/* librdkafka 2.0.2 stops fetching a partition whose queue is full, and looks at it again once a
 * second: with a small prefetch that would be the pace (11,000 messages a second from 4 partitions,
 * measured). So it is told when half of what makes a queue full was read, and half is left at
 * most. */
static bool wants_more(const struct kafka_source *s, struct kafka_partition *p)
{
    uint64_t count = (uint64_t)s->prefetch_count / 2, bytes = (uint64_t)s->prefetch_bytes / 2;
    if (p->read_count <= count && p->read_bytes < bytes) return false;
    if (rd_kafka_queue_length(p->queue) > count) return false;
    p->read_count = p->read_bytes = 0;
    return true;
}

void kafka_read_turn(void *source)
{
    struct kafka_source *s = source;
    struct kafka_partition *p;
    unsigned n = 0;
    bool fetch = false;
    s->starved = false;
    while (n < TURN_BUDGET && !s->stopped && !s->starved && (p = next_readable(s))) {
        n += read_burst(s, p);
        fetch |= wants_more(s, p);
    }
    if (fetch) kafka_client_wake(&s->client);
    if (s->reserved) pipeline_unreserve(s->base.pipeline, 1);
    s->reserved = false;
    if (s->starved)
        kafka_commit_consider(s); /* what is confirmed makes room */
    else if (n >= TURN_BUDGET)
        kafka_read_soon(s);
}
