/* Where a partition begins when there is no offset to go on from. librdkafka does not tell "none
 * yet" from "gone" where it decides by itself, and jumps over what is lost; so it is told to ask
 * (auto.offset.reset = error), stops reading such a partition, and is given an offset with a new
 * assignment of the same partitions (2.0.2 can't seek in one that stopped). */
#include <inttypes.h>

#include "connectors/kafka/source.h"

enum {
    BEGIN_MS = 20,        /* for the others that have none */
    BEGIN_AGAIN_MS = 500, /* the brokers could not say where the partition begins or ends */
};

/* The source is not up while it reads nothing at all. */
static void stop_reading(struct kafka_source *s, struct kafka_partition *p, const struct error *why)
{
    size_t lost = 0;
    p->lost = true;
    for (size_t i = 0; i < s->partition_count; i++)
        lost += s->partitions[i] && s->partitions[i]->queue && s->partitions[i]->lost;
    log_limited(&s->complaint, LOG_ERROR, s->client.context, "%s", why->text);
    if (lost == s->assigned) kafka_source_state(s, false, why);
}

static void say_lost(struct kafka_source *s, struct kafka_partition *p, int64_t offset)
{
    struct error e;
    error_set(&e, FAULT_CONFIG,
              "reading from Kafka: offset %" PRId64 " of %s-%" PRId32
              " is gone (retention was faster, or the topic was made anew): this partition is "
              "read no more (set the offsets of group \"%s\" and start again, or use lost_offset "
              "= \"reset\")",
              offset, p->topic, p->number, s->conf->group_id);
    stop_reading(s, p, &e);
}

static void say_none(struct kafka_source *s, struct kafka_partition *p)
{
    struct error e;
    error_set(&e, FAULT_CONFIG,
              "reading from Kafka: group \"%s\" has no offset for %s-%" PRId32
              ", and auto_offset_reset is \"error\" (set the group's offsets, or use earliest or "
              "latest)",
              s->conf->group_id, p->topic, p->number);
    stop_reading(s, p, &e);
}

static int64_t offset_of(rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_t *place = rd_kafka_event_topic_partition(event);
    int64_t offset = place ? place->offset : RD_KAFKA_OFFSET_INVALID;
    if (place) rd_kafka_topic_partition_destroy(place);
    return offset;
}

void kafka_offset_missing(struct kafka_source *s, struct kafka_partition *p,
                          rd_kafka_event_t *event)
{
    int64_t offset = offset_of(event);
    int policy = s->conf->auto_offset_reset;
    if (offset < 0 && p->next_offset >= 0) return; /* of an assignment before this one */
    if (offset >= 0) {
        say_lost(s, p, offset);
    } else if (policy == KAFKA_RESET_ERROR) {
        say_none(s, p);
    } else {
        bool again = offset != RD_KAFKA_OFFSET_INVALID; /* what was asked for could not be found */
        p->begin = policy == KAFKA_RESET_LATEST ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
        if (!s->begin_timer.slot)
            loop_timer_start(s->client.loop, &s->begin_timer, again ? BEGIN_AGAIN_MS : BEGIN_MS);
    }
}

static bool is_ours(const struct kafka_partition *p)
{
    return p && p->queue;
}

/* wanted: only those that have to begin somewhere, else all. */
static rd_kafka_topic_partition_list_t *make_list(struct kafka_source *s, bool wanted)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->assigned);
    for (size_t i = 0; i < s->partition_count; i++) {
        struct kafka_partition *p = s->partitions[i];
        if (!is_ours(p) || (wanted && p->begin == RD_KAFKA_OFFSET_INVALID)) continue;
        bool begins = p->begin != RD_KAFKA_OFFSET_INVALID;
        rd_kafka_topic_partition_list_add(list, p->topic, p->number)->offset =
            begins ? p->begin : p->next_offset;
        p->begin = RD_KAFKA_OFFSET_INVALID;
    }
    return list;
}

/* All others go on behind the last message that was read of them; what was fetched ahead is fetched
 * again. */
void kafka_offset_begin(void *source)
{
    struct kafka_source *s = source;
    if (s->revoke) loop_timer_start(s->client.loop, &s->begin_timer, BEGIN_MS);
    if (s->phase != KAFKA_SOURCE_OPEN || s->revoke) return;
    bool cooperative = kafka_assignment_is_cooperative(s);
    rd_kafka_topic_partition_list_t *list = make_list(s, cooperative);
    if (list->cnt && cooperative) {
        rd_kafka_error_destroy(rd_kafka_incremental_unassign(s->client.rk, list));
        rd_kafka_error_destroy(rd_kafka_incremental_assign(s->client.rk, list));
    } else if (list->cnt) {
        rd_kafka_assign(s->client.rk, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
}
