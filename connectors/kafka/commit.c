/* Offsets out: the confirmed run at the head of each partition's window is committed, and only then
 * are its messages acknowledged. One commit is under way at a time. */
#include <stdlib.h>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/source.h"

enum { RETRY_MS = 500 };

void kafka_commit_gather(struct kafka_source *s, struct receipt *r)
{
    if (s->ack_count == s->ack_capacity) {
        s->ack_capacity = s->ack_capacity ? 2 * s->ack_capacity : 256;
        s->acks = mem_realloc(s->acks, s->ack_capacity * sizeof(struct receipt *));
    }
    s->acks[s->ack_count++] = r;
}

void kafka_commit_acknowledge(struct kafka_source *s)
{
    size_t n = s->ack_count;
    s->ack_count = 0;
    if (n) pipeline_acknowledged(s->base.pipeline, s->acks, n);
}

/* A held partition goes on when half of what it has here is committed, whatever the others do. */
static bool held_back(const struct kafka_source *s)
{
    for (size_t i = 0; i < s->partition_count; i++) {
        const struct kafka_partition *p = s->partitions[i];
        if (!p || !p->held) continue;
        if (p->window.done - p->window.sent > kafka_window_count(&p->window) / 8) return true;
    }
    return false;
}

/* At once when somebody waits for the end. Else early enough that what is committed, and so still
 * counts as in flight, never fills the window or a lane's share of it; rarely enough that a commit
 * speaks for many messages. */
static bool is_time(const struct kafka_source *s)
{
    uint64_t share = pipeline_window(s->base.pipeline) / (s->starved ? 16 : 4);
    return s->stopped || s->revoke || s->commit.waiting > share || held_back(s);
}

void kafka_commit_consider(struct kafka_source *s)
{
    struct kafka_commit *c = &s->commit;
    if (c->open || c->waiting == 0 || (c->failed && !s->revoke)) return;
    if (is_time(s))
        kafka_commit_send(s);
    else if (!c->timer.slot)
        loop_timer_start(s->client.loop, &c->timer, (uint64_t)s->conf->commit_interval);
}

void kafka_commit_due(void *source)
{
    struct kafka_source *s = source;
    s->commit.failed = false;
    if (!s->commit.open && s->commit.waiting) kafka_commit_send(s);
}

static void add_offset(rd_kafka_topic_partition_list_t *list, struct kafka_partition *p)
{
    rd_kafka_topic_partition_t *place =
        rd_kafka_topic_partition_list_add(list, p->topic, p->number);
    place->offset = kafka_window_next_offset(&p->window);
    place->opaque = p;
    p->window.sent = p->window.done;
}

void kafka_commit_send(struct kafka_source *s)
{
    struct kafka_commit *c = &s->commit;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->assigned);
    for (size_t i = 0; i < s->partition_count; i++) {
        struct kafka_partition *p = s->partitions[i];
        if (p && p->queue && p->window.done > p->window.head) add_offset(list, p);
    }
    loop_timer_stop(s->client.loop, &c->timer);
    c->open = true;
    c->failed = false;
    c->waiting = 0;
    c->serial++;
    /* The answer comes as an event; it fails at once only for what is no group's consumer. */
    rd_kafka_commit_queue(s->client.rk, list, s->client.queue, NULL,
                          (void *)c->serial); /* a number, and no pointer */
    rd_kafka_topic_partition_list_destroy(list);
}

static void take_committed(struct kafka_source *s, struct kafka_partition *p)
{
    while (p->window.head < p->window.sent)
        kafka_commit_gather(s, kafka_window_pop(&p->window));
}

static void take_back(struct kafka_source *s, struct kafka_partition *p)
{
    s->commit.waiting += p->window.sent - p->window.head;
    p->window.sent = p->window.head;
}

static void complain(struct kafka_source *s, rd_kafka_resp_err_t code)
{
    struct error e;
    bool usual = code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
                 code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
    if (usual) return; /* partitions are being shared out anew */
    kafka_error_consumer(&e, s->conf->group_id, code, rd_kafka_err2str(code));
    log_limited(&s->commit.limit, LOG_WARN, s->client.context,
                "committing offsets: %s (tried again; until then the messages count as in flight)",
                e.text);
}

/* The answer names the partitions in whose name it was sent: none of them has gone since, or the
 * serial would have changed. */
void kafka_commit_answered(struct kafka_source *s, rd_kafka_event_t *event)
{
    struct kafka_commit *c = &s->commit;
    if (!c->open || (uintptr_t)rd_kafka_event_opaque(event) != c->serial) return;
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    rd_kafka_resp_err_t failed = rd_kafka_event_error(event);
    c->open = false;
    for (int i = 0; list && i < list->cnt; i++) {
        struct kafka_partition *p = list->elems[i].opaque;
        rd_kafka_resp_err_t why = failed ? failed : list->elems[i].err;
        if (why)
            take_back(s, p);
        else
            take_committed(s, p);
        if (why) failed = why;
    }
    kafka_commit_acknowledge(s);
    if (failed) {
        complain(s, failed);
        c->failed = true;
        loop_timer_start(s->client.loop, &c->timer, RETRY_MS);
    } else {
        kafka_commit_consider(s);
    }
    kafka_assignment_step(s);
}

void kafka_commit_forget(struct kafka_source *s)
{
    s->commit.open = false;
    s->commit.serial++;
    s->commit.waiting = 0;
    for (size_t i = 0; i < s->partition_count; i++) {
        struct kafka_partition *p = s->partitions[i];
        if (!p) continue;
        p->window.sent = p->window.head;
        if (p->queue) s->commit.waiting += p->window.done - p->window.head;
    }
}
