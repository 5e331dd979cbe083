/* The Kafka source: one consumer of a group for each pipeline worker. See source.h. */
#include "connectors/kafka/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/kafka/conf.h"
#include "connectors/kafka/errors.h"

enum {
    LEAVE_MS = 5000, /* to leave the group */
    RENEW_MS = 1000, /* before the next consumer after a fatal error, doubling */
    RENEW_MAX_MS = 30000,
};

static struct kafka_source *kafka_source_of(struct source *base)
{
    return (struct kafka_source *)base;
}

void kafka_source_state(struct kafka_source *s, bool up, const struct error *why)
{
    s->up = up;
    pipeline_source_state(&s->base, up, why);
}

/* ---- verdicts ---- */

static void settle_one(struct kafka_source *s, struct receipt *r)
{
    uint64_t position;
    struct kafka_partition *p = kafka_partition_of(s, r->cookie, &position);
    bool confirmed = r->verdict == VERDICT_CONFIRMED;
    p->in_flight--;
    if (p->queue && confirmed)
        s->commit.waiting += kafka_window_confirm(&p->window, position, r);
    else
        kafka_commit_gather(s, r); /* released, or not ours to commit any more */
    kafka_partition_free_if_done(s, p);
}

static void kafka_source_settle(struct source *base, struct receipt *const *receipts, size_t n)
{
    struct kafka_source *s = kafka_source_of(base);
    for (size_t i = 0; i < n; i++)
        settle_one(s, receipts[i]);
    kafka_commit_acknowledge(s);
    kafka_commit_consider(s);
    kafka_assignment_step(s);
}

static void kafka_source_room(struct source *base)
{
    kafka_read_soon(kafka_source_of(base));
}

static void kafka_source_hold(struct source *base, uint32_t lane_id, bool held)
{
    struct kafka_source *s = kafka_source_of(base);
    for (size_t i = 0; i < s->partition_count; i++) {
        struct kafka_partition *p = s->partitions[i];
        if (p && p->lane_id == lane_id) p->held = held;
    }
    if (!held) kafka_read_soon(s);
}

/* ---- the end of a consumer ---- */

static void end_consumer(struct kafka_source *s, int flags)
{
    loop_timer_stop(s->client.loop, &s->end_timer);
    kafka_assignment_drop_all(s);
    kafka_client_close(&s->client, flags);
}

static void on_end_timer(void *source);

/* Only a new consumer can go on: another has taken this one's place in the group. */
static void renew_consumer(struct kafka_source *s, enum fault fault)
{
    if (s->phase != KAFKA_SOURCE_OPEN) return;
    s->phase = KAFKA_SOURCE_RENEWING;
    s->renew_ms = s->renew_ms ? 2 * s->renew_ms : RENEW_MS;
    /* Two with the same group_instance_id would push each other out for ever. */
    if (s->renew_ms > RENEW_MAX_MS || fault == FAULT_CONFIG) s->renew_ms = RENEW_MAX_MS;
    end_consumer(s, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* ---- events of the client ---- */

static void on_error(void *owner, rd_kafka_resp_err_t code, const char *text, bool fatal)
{
    struct kafka_source *s = owner;
    struct error e;
    kafka_error_consumer(&e, s->conf->group_id, code, text);
    if (fatal || !s->assigned)
        kafka_source_state(s, false, &e);
    else
        log_limited(&s->complaint, LOG_WARN, s->client.context, "%s", e.text);
    if (fatal) renew_consumer(s, e.fault);
}

static bool on_event(void *owner, rd_kafka_event_t *event)
{
    struct kafka_source *s = owner;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
        s->renew_ms = 0;
        return kafka_assignment_change(s, event);
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        kafka_commit_answered(s, event);
        return false;
    default:
        return false;
    }
}

static void on_woken(void *owner)
{
    struct kafka_source *s = owner;
    if (s->phase == KAFKA_SOURCE_CLOSING && s->client.rk && rd_kafka_consumer_closed(s->client.rk))
        end_consumer(s, 0);
    else
        kafka_read_again(s);
}

static void on_probed(void *owner, const struct error *why)
{
    struct kafka_source *s = owner;
    if (s->phase != KAFKA_SOURCE_OPEN) return;
    if (why)
        kafka_source_state(s, false, why);
    else if (s->assigned)
        kafka_source_state(s, true, NULL);
}

static bool subscribe(struct kafka_source *s, struct error *e)
{
    const struct opt_list *topics = &s->conf->topics;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)topics->count);
    for (size_t i = 0; i < topics->count; i++)
        rd_kafka_topic_partition_list_add(list, topics->items[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t failed = rd_kafka_subscribe(s->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (!failed) return true;
    return error_set(e, FAULT_CONFIG, "subscribing: %s (check topics)", rd_kafka_err2str(failed));
}

static bool open_consumer(struct kafka_source *s, struct error *e)
{
    struct kafka_conf_run run = {
        .pipeline = s->client.context,
        .worker = pipeline_worker(s->base.pipeline),
        .window = pipeline_window(s->base.pipeline),
    };
    rd_kafka_conf_t *conf = kafka_conf_consumer(s->conf, &run, e);
    if (!conf || !kafka_client_open(&s->client, RD_KAFKA_CONSUMER, conf, NULL, e)) return false;
    s->phase = KAFKA_SOURCE_OPEN;
    s->prefetch_count = kafka_client_setting(&s->client, "queued.min.messages");
    s->prefetch_bytes = 1024 * kafka_client_setting(&s->client, "queued.max.messages.kbytes");
    kafka_client_probe(&s->client, 0); /* so that silence is noticed */
    return subscribe(s, e);
}

static void on_client_closed(void *owner)
{
    struct kafka_source *s = owner;
    if (s->phase == KAFKA_SOURCE_RENEWING)
        loop_timer_start(s->client.loop, &s->end_timer, s->renew_ms);
    else
        pipeline_source_closed(&s->base);
}

static void on_end_timer(void *source)
{
    struct kafka_source *s = source;
    struct error e;
    if (s->phase == KAFKA_SOURCE_CLOSING) {
        log_debug(s->client.context, "consumer group \"%s\": left without an answer",
                  s->conf->group_id);
        end_consumer(s, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    } else if (!open_consumer(s, &e)) {
        kafka_source_state(s, false, &e); /* a certificate that was there has gone */
        if (s->phase == KAFKA_SOURCE_OPEN)
            renew_consumer(s, e.fault);
        else
            loop_timer_start(s->client.loop, &s->end_timer, s->renew_ms);
    }
}

static const struct kafka_client_ops client_ops = {
    .event = on_event,
    .error = on_error,
    .woken = on_woken,
    .probed = on_probed,
    .closed = on_client_closed,
};

/* ---- the source ---- */

static struct source *kafka_source_create(const void *conf, struct pipeline *p, struct error *e)
{
    struct kafka_source *s = mem_zalloc(sizeof(*s));
    (void)e;
    s->conf = conf;
    s->client = (struct kafka_client){
        .ops = &client_ops,
        .owner = s,
        .loop = pipeline_loop(p),
        .context = pipeline_name(p),
        .conf = &s->conf->client,
    };
    s->read = (struct turn_task){.run = kafka_read_turn, .arg = s};
    s->commit.timer = (struct loop_timer){.run = kafka_commit_due, .arg = s};
    s->revoke_timer = (struct loop_timer){.run = kafka_assignment_time_up, .arg = s};
    s->watch = (struct loop_timer){.run = kafka_watch, .arg = s};
    s->begin_timer = (struct loop_timer){.run = kafka_offset_begin, .arg = s};
    s->end_timer = (struct loop_timer){.run = on_end_timer, .arg = s};
    return &s->base;
}

static bool kafka_source_start(struct source *base, struct error *e)
{
    kafka_watch(kafka_source_of(base));
    return open_consumer(kafka_source_of(base), e);
}

static void kafka_source_stop(struct source *base)
{
    struct kafka_source *s = kafka_source_of(base);
    s->stopped = true;
    loop_cancel_task(s->client.loop, &s->read);
    kafka_commit_consider(s);
}

/* Leaves the group: the revoke that this brings commits what is confirmed. The end comes with
 * on_woken(), or with the timer. */
static void leave(struct kafka_source *s)
{
    loop_timer_start(s->client.loop, &s->end_timer, LEAVE_MS);
    rd_kafka_error_t *failed = rd_kafka_consumer_close_queue(s->client.rk, s->client.queue);
    if (failed) end_consumer(s, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    rd_kafka_error_destroy(failed);
    kafka_assignment_step(s);
}

static void kafka_source_close(struct source *base)
{
    struct kafka_source *s = kafka_source_of(base);
    bool open = s->phase == KAFKA_SOURCE_OPEN;
    s->phase = KAFKA_SOURCE_CLOSING;
    s->stopped = true;
    loop_timer_stop(s->client.loop, &s->end_timer);
    loop_timer_stop(s->client.loop, &s->watch);
    if (open)
        leave(s);
    else
        kafka_client_close(&s->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void kafka_source_destroy(struct source *base)
{
    struct kafka_source *s = kafka_source_of(base);
    loop_cancel_task(s->client.loop, &s->read);
    kafka_draft_free(&s->draft);
    free(s->partitions);
    free(s->acks);
    free(s);
}

static struct source_promise kafka_source_promise(const void *conf)
{
    (void)conf;
    return (struct source_promise){.at_least_once = true, .ordered_by = "partition"};
}

static void kafka_source_describe(const void *conf, char *text, size_t size)
{
    const struct kafka_source_conf *c = conf;
    snprintf(text, size, "kafka");
    for (size_t i = 0; i < c->topics.count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, size - len, "%s%s", i ? "," : " ", c->topics.items[i]);
    }
}

const struct source_ops kafka_source = {
    .opts = kafka_source_opts,
    .conf_size = sizeof(struct kafka_source_conf),
    .check = kafka_source_check,
    .promise = kafka_source_promise,
    .describe = kafka_source_describe,
    .create = kafka_source_create,
    .start = kafka_source_start,
    .room = kafka_source_room,
    .settle = kafka_source_settle,
    .hold = kafka_source_hold,
    .stop = kafka_source_stop,
    .close = kafka_source_close,
    .destroy = kafka_source_destroy,
};
