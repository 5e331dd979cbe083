/* The Kafka sink: one idempotent producer for each pipeline worker.
 *
 * Every leg that is taken goes to librdkafka, which batches, sends, and sends again for as long as
 * it takes; its delivery report is the verdict. An outage is not a verdict: the legs stay with
 * librdkafka. Producers are not shared between pipelines: each has its own thread and loop, and a
 * fault of one (a fatal error ends a producer) stays its own. */
#include <stdlib.h>

#include "bridge/pipeline.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/conf.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/limit.h"
#include "connectors/kafka/produce.h"
#include "connectors/kafka/suspects.h"

enum {
    MAX_SUBMIT = 256,
    PURGE_MS = 50,
    REFUSAL_MS = 500, /* before the next try of a topic that refuses, doubling */
    REFUSAL_MAX_MS = 15000,
    RENEW_MS = 100, /* before the next producer after a fatal error, doubling */
    RENEW_MAX_MS = 10000,
};

enum phase {
    PHASE_CLOSED,
    PHASE_OPEN,
    PHASE_RENEWING, /* after a fatal error: this producer ends, another follows */
    PHASE_CLOSING,
};

struct kafka_sink {
    struct sink base;
    const struct kafka_sink_conf *conf;
    struct kafka_client client;
    struct kafka_produce produce;
    struct kafka_suspects suspects;
    struct kafka_limit limit; /* of the topic, where it is constant */
    const char *topic;        /* NULL: the template decides for each message; owned */
    enum phase phase;
    bool asked;   /* submit() took less than it was offered: pipeline_ready() is owed */
    bool refused; /* the topic refused a message lately: one batch at a time until it takes one */
    bool waiting; /* for a probe, before that one batch */
    size_t outstanding; /* legs that librdkafka has */
    uint64_t refusal_ms, renew_ms;
    struct loop_timer purge, renew;
};

static struct kafka_sink *kafka_sink_of(struct sink *base)
{
    return (struct kafka_sink *)base;
}

/* ---- the end of a producer ---- */

static void release_suspects(struct kafka_sink *s, const struct error *why)
{
    while (s->suspects.count) {
        struct leg *l;
        kafka_suspects_take(&s->suspects, 1, &l);
        leg_done(l, why);
    }
    s->suspects.trial = 0;
    s->suspects.refused = false;
}

/* Reports come for all that is purged. A batch may be between two queues at that moment and escape,
 * so it is done until nothing is left. */
static void purge(void *arg)
{
    struct kafka_sink *s = arg;
    if (s->phase == PHASE_OPEN) return;
    if (s->outstanding == 0) {
        kafka_client_close(&s->client, 0);
        return;
    }
    rd_kafka_purge(s->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                     RD_KAFKA_PURGE_F_NON_BLOCKING);
    loop_timer_start(s->client.loop, &s->purge, PURGE_MS);
}

static void end_producer(struct kafka_sink *s, enum phase phase, const struct error *why)
{
    s->phase = phase;
    release_suspects(s, why);
    loop_timer_start(s->client.loop, &s->purge, 0);
}

static uint64_t doubled(uint64_t delay, uint64_t first, uint64_t most)
{
    if (!delay) return first;
    return 2 * delay < most ? 2 * delay : most;
}

/* The sequence numbers that idempotence rests on are out of step, or the producer was fenced: only
 * a new one can go on. What has no report yet is sent again by it, and may so arrive twice. */
static void renew_producer(struct kafka_sink *s, rd_kafka_resp_err_t code, const char *text)
{
    struct error why;
    if (s->phase != PHASE_OPEN) return;
    if (code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
        kafka_error_topic(&why, s->topic ? s->topic : "any", code);
    else
        error_set(&why, FAULT_DOWN, "the producer has failed, another takes over: %s", text);
    s->renew_ms = doubled(s->renew_ms, RENEW_MS, RENEW_MAX_MS);
    if (why.fault == FAULT_CONFIG) s->renew_ms = RENEW_MAX_MS;
    pipeline_sink_state(&s->base, SINK_DOWN, &why);
    end_producer(s, PHASE_RENEWING, &why);
}

/* ---- what librdkafka says of a message ---- */

static bool accepts(const struct kafka_sink *s)
{
    return s->phase == PHASE_OPEN && s->suspects.count == 0 && s->suspects.trial == 0;
}

static void topic_refuses(struct kafka_sink *s, const char *topic, rd_kafka_resp_err_t code,
                          struct error *e)
{
    kafka_error_topic(e, topic, code);
    if (!s->topic) { /* the message chose it */
        e->fault = FAULT_RETRY;
        return;
    }
    s->refused = true;
    if (!s->waiting) { /* the others of its batch fail with it */
        s->waiting = true;
        s->refusal_ms = doubled(s->refusal_ms, REFUSAL_MS, REFUSAL_MAX_MS);
        pipeline_sink_state(&s->base, SINK_DOWN, e);
        kafka_client_probe(&s->client, s->refusal_ms);
    }
    e->fault = FAULT_DOWN;
}

static void refuse_leg(struct kafka_sink *s, struct leg *l, const char *topic,
                       rd_kafka_resp_err_t code)
{
    struct error e;
    switch (kafka_error_refusal(code)) {
    case KAFKA_REFUSED_BATCH:
        if (accepts(s))
            log_limited(
                &s->client.log_limit, LOG_WARN, s->client.context,
                "topic \"%s\" refuses a batch: %s: it is sent again in parts (is batch_size "
                "larger than the topic's max.message.bytes?)",
                topic, rd_kafka_err2str(code));
        if (s->topic) kafka_limit_ask(&s->limit, &s->client, s->topic);
        if (kafka_suspects_add(&s->suspects, l)) return;
        kafka_error_message(&e, topic, code, l->msg->body.len);
        break;
    case KAFKA_REFUSED_TOPIC:
        topic_refuses(s, topic, code, &e);
        break;
    case KAFKA_REFUSED_PRODUCER:
    case KAFKA_REFUSED_LATER:
        /* Codes of librdkafka's own are negative: purged, timed out, fatal. */
        error_set(&e, code < 0 ? FAULT_DOWN : FAULT_RETRY, "writing to topic \"%s\": %s", topic,
                  rd_kafka_err2str(code));
        break;
    }
    leg_done(l, &e);
}

static void leg_written(struct kafka_sink *s, struct leg *l)
{
    leg_done(l, NULL);
    s->renew_ms = s->refusal_ms = 0;
    if (!s->refused || s->waiting || s->phase != PHASE_OPEN) return;
    s->refused = false;
    pipeline_sink_state(&s->base, SINK_UP, NULL);
}

static void on_report(struct kafka_sink *s, const rd_kafka_message_t *report)
{
    struct leg *l = report->_private;
    char text[256];
    s->outstanding--;
    if (!report->err) {
        leg_written(s, l);
        return;
    }
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(s->client.rk, text, sizeof(text));
    if (fatal)
        renew_producer(s, fatal, text);
    else if (kafka_error_refusal(report->err) == KAFKA_REFUSED_PRODUCER)
        renew_producer(s, report->err, rd_kafka_err2str(report->err));
    if (s->phase == PHASE_OPEN) {
        refuse_leg(s, l, rd_kafka_topic_name(report->rkt), report->err);
        return;
    }
    struct error e;
    error_set(&e, FAULT_DOWN, "not confirmed before the producer ended");
    leg_done(l, &e);
}

/* ---- legs on their way ---- */

enum taken { TAKEN, NO_ROOM };

static void reject_large(struct kafka_sink *s, struct leg *l)
{
    struct error e;
    error_set(&e, FAULT_REJECT,
              "a message of %zu bytes is larger than the max.message.bytes = %lld of topic \"%s\" "
              "(raise that, or send it elsewhere by dead_letter)",
              l->msg->body.len, (long long)s->limit.bytes, s->topic);
    leg_done(l, &e);
}

/* Hands one leg to librdkafka, or ends it. */
static enum taken take_leg(struct kafka_sink *s, struct leg *l)
{
    rd_kafka_resp_err_t code;
    struct error e;
    char text[256];
    if (s->topic && kafka_limit_exceeded(&s->limit, &s->client, s->topic, l->msg)) {
        reject_large(s, l);
        return TAKEN;
    }
    if (kafka_produce_leg(&s->produce, s->client.rk, s->client.topic, l, &code, &e)) {
        s->outstanding++;
        return TAKEN;
    }
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && s->outstanding) return NO_ROOM;
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__INVALID_ARG: /* its template: e says which */
        break;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        error_set(&e, FAULT_REJECT, "a message of %zu bytes is larger than message.max.bytes",
                  l->msg->body.len);
        break;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        error_set(&e, FAULT_REJECT,
                  "a message of %zu bytes is larger than the producer's queue "
                  "(see queue.buffering.max.kbytes)",
                  l->msg->body.len);
        break;
    case RD_KAFKA_RESP_ERR__FATAL:
        code = rd_kafka_fatal_error(s->client.rk, text, sizeof(text));
        renew_producer(s, code, text);
        error_set(&e, FAULT_DOWN, "%s", text);
        break;
    default:
        refuse_leg(s, l, s->topic ? s->topic : s->produce.topic.ptr, code);
        return TAKEN;
    }
    leg_done(l, &e);
    return TAKEN;
}

static size_t kafka_sink_submit(struct sink *base, struct leg *const *legs, size_t n)
{
    struct kafka_sink *s = kafka_sink_of(base);
    size_t taken = 0;
    while (taken < n && accepts(s) && take_leg(s, legs[taken]) == TAKEN)
        taken++;
    s->asked = taken < n;
    return taken;
}

/* Part after part of what was refused, each alone. */
static void try_suspects(struct kafka_sink *s)
{
    size_t n = kafka_suspects_next(&s->suspects);
    if (n == 0) return;
    struct leg **part = mem_alloc(n * sizeof(struct leg *));
    kafka_suspects_take(&s->suspects, n, part);
    for (size_t i = 0; i < n; i++) {
        if (s->phase == PHASE_OPEN && take_leg(s, part[i]) == TAKEN) continue;
        struct error e;
        error_set(&e, FAULT_DOWN, "not sent yet");
        leg_done(part[i], &e);
    }
    free(part);
}

static void go_on(struct kafka_sink *s)
{
    if (s->phase != PHASE_OPEN) {
        if (s->outstanding == 0) loop_timer_start(s->client.loop, &s->purge, 0);
        return;
    }
    while (s->outstanding == 0 && (s->suspects.count || s->suspects.trial))
        try_suspects(s);
    if (!s->asked || !accepts(s)) return;
    s->asked = false;
    pipeline_ready(&s->base);
}

/* ---- events of the client ---- */

static bool on_event(void *owner, rd_kafka_event_t *event)
{
    struct kafka_sink *s = owner;
    const rd_kafka_message_t *report;
    if (kafka_limit_answered(&s->limit, &s->client, event)) return false;
    if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_DR) return false;
    while ((report = rd_kafka_event_message_next(event)))
        on_report(s, report);
    go_on(s);
    return false;
}

static void on_error(void *owner, rd_kafka_resp_err_t code, const char *text, bool fatal)
{
    struct kafka_sink *s = owner;
    if (fatal)
        renew_producer(s, code, text);
    else
        log_limited(&s->client.log_limit, LOG_WARN, s->client.context, "kafka: %s: %s",
                    rd_kafka_err2str(code), text);
}

static void on_probed(void *owner, const struct error *why)
{
    struct kafka_sink *s = owner;
    if (s->phase != PHASE_OPEN) return;
    s->waiting = why != NULL;
    enum sink_state found = s->refused ? SINK_TRY : SINK_UP;
    pipeline_sink_state(&s->base, why ? SINK_DOWN : found, why);
}

static bool open_producer(struct kafka_sink *s, struct error *e)
{
    struct kafka_conf_run run = {
        .pipeline = s->client.context,
        .worker = pipeline_worker(s->base.pipeline),
        .window = pipeline_window(s->base.pipeline),
    };
    rd_kafka_conf_t *conf = kafka_conf_producer(s->conf, &run, e);
    if (!conf || !kafka_client_open(&s->client, RD_KAFKA_PRODUCER, conf, s->topic, e)) return false;
    s->phase = PHASE_OPEN;
    kafka_limit_forget(&s->limit);
    if (s->topic) kafka_limit_ask(&s->limit, &s->client, s->topic);
    kafka_client_probe(&s->client, 0);
    return true;
}

static void renew(void *arg)
{
    struct kafka_sink *s = arg;
    struct error e;
    if (open_producer(s, &e)) return;
    pipeline_sink_state(&s->base, SINK_DOWN, &e); /* a certificate that was there has gone */
    s->renew_ms = doubled(s->renew_ms, RENEW_MS, RENEW_MAX_MS);
    loop_timer_start(s->client.loop, &s->renew, s->renew_ms);
}

static void on_client_closed(void *owner)
{
    struct kafka_sink *s = owner;
    if (s->phase == PHASE_RENEWING)
        loop_timer_start(s->client.loop, &s->renew, s->renew_ms);
    else
        pipeline_sink_closed(&s->base);
}

static const struct kafka_client_ops client_ops = {
    .event = on_event,
    .error = on_error,
    .probed = on_probed,
    .closed = on_client_closed,
};

/* ---- the sink ---- */

static struct sink *kafka_sink_create(const void *conf, struct pipeline *p, struct error *e)
{
    struct kafka_sink *s = mem_zalloc(sizeof(*s));
    struct bytes topic;
    (void)e;
    s->conf = conf;
    s->produce.conf = conf;
    if (template_is_constant(s->conf->topic, &topic)) s->topic = mem_strndup(topic.ptr, topic.len);
    s->client = (struct kafka_client){
        .ops = &client_ops,
        .owner = s,
        .loop = pipeline_loop(p),
        .context = pipeline_name(p),
        .conf = &s->conf->client,
    };
    s->purge = (struct loop_timer){.run = purge, .arg = s};
    s->renew = (struct loop_timer){.run = renew, .arg = s};
    return &s->base;
}

static bool kafka_sink_start(struct sink *base, struct error *e)
{
    return open_producer(kafka_sink_of(base), e);
}

static void kafka_sink_close(struct sink *base)
{
    struct kafka_sink *s = kafka_sink_of(base);
    struct error e;
    error_set(&e, FAULT_DOWN, "not confirmed before the end");
    loop_timer_stop(s->client.loop, &s->renew);
    if (s->client.rk && !s->client.closing)
        end_producer(s, PHASE_CLOSING, &e);
    else
        kafka_client_close(&s->client, 0);
    s->phase = PHASE_CLOSING;
}

static void kafka_sink_destroy(struct sink *base)
{
    struct kafka_sink *s = kafka_sink_of(base);
    kafka_produce_free(&s->produce);
    free(s->suspects.legs);
    free((void *)(uintptr_t)s->topic);
    free(s);
}

static struct sink_promise kafka_sink_promise(const void *conf)
{
    return (struct sink_promise){
        .order = ORDER_STREAM,
        .confirmed = true,
        .max_message_bytes = kafka_conf_message_max(conf),
    };
}

static void kafka_sink_describe(const void *conf, char *text, size_t size)
{
    const struct kafka_sink_conf *c = conf;
    snprintf(text, size, "kafka %s", template_text(c->topic));
}

static bool kafka_sink_letters(const void *conf, struct letter_place *place, struct error *e)
{
    const struct kafka_sink_conf *c = conf;
    struct kafka_source_conf *source = place->conf;
    struct bytes topic;
    if (!template_is_constant(c->topic, &topic))
        return error_set(e, FAULT_CONFIG, "topic \"%s\" is many topics", template_text(c->topic));
    int end = snprintf(place->text, sizeof(place->text), "%.*s", BYTES_ARGS(topic)) + 1;
    snprintf(place->text + end, sizeof(place->text) - (size_t)end, "%s-dlq-replay",
             place->pipeline);
    place->items[0] = place->text;
    source->client = c->client;
    source->topics = (struct opt_list){place->items, 1};
    source->group_id = place->text + end;
    source->session_timeout = 6000; /* the least that brokers allow by default */
    return true;
}

const struct sink_ops kafka_sink = {
    .opts = kafka_sink_opts,
    .conf_size = sizeof(struct kafka_sink_conf),
    .check = kafka_sink_check,
    .promise = kafka_sink_promise,
    .describe = kafka_sink_describe,
    .letters = kafka_sink_letters,
    .create = kafka_sink_create,
    .start = kafka_sink_start,
    .submit = kafka_sink_submit,
    .max_batch = MAX_SUBMIT,
    .close = kafka_sink_close,
    .destroy = kafka_sink_destroy,
};
