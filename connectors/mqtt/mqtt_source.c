/* The source: what arrives becomes messages as far as there is room; what is confirmed goes to the
 * ack gate, and counts as acknowledged when its PUBACK is written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/log.h"
#include "bridge/oldest.h"
#include "bridge/text.h"
#include "connectors/mqtt/mqtt.h"
#include "connectors/mqtt/mqtt_client.h"
#include "connectors/mqtt/mqtt_properties.h"
#include "connectors/mqtt/paho_inside.h"

enum {
    ACK_BATCH = 256,
    MAX_RECEIVE_MAXIMUM = 65535,
    HOLD_BYTES = 4 << 20, /* some ten milliseconds of a fast pipeline; less costs speed */
};

struct mqtt_source {
    struct source base;
    const struct mqtt_source_conf *conf;
    struct mqtt_client *client;
    char *client_id;
    uint64_t run; /* random: with the count, names each message */
    uint64_t count;
    struct mqtt_arrival *waiting, **waiting_end; /* for room */
    size_t waiting_bytes;
    struct mqtt_reading reading;
    struct log_limit overflow, dropped;
    struct oldest oldest;
    unsigned sessions_lost;
    bool refused; /* room() will follow */
    bool paused;  /* too much was waiting, so the connection was dropped */
    bool stopped;
};

/* ---- emit ---- */

static uint32_t lane_of(struct bytes topic)
{
    uint64_t hash = text_hash(topic);
    uint32_t lane = (uint32_t)(hash ^ (hash >> 32));
    return lane ? lane : 1;
}

/* In the place that was reserved. */
static void emit(struct mqtt_source *s, struct mqtt_arrival *a)
{
    char position[400];
    struct bytes topic = bytes_of(a->topic, a->topic_len);
    int len = snprintf(position, sizeof(position), "%.300s:%016" PRIx64 ":%" PRIx64, s->client_id,
                       s->run, ++s->count);
    mqtt_properties_read(&s->reading, a->message);
    struct msg_draft draft = {
        .body = bytes_of(a->message->payload, (size_t)a->message->payloadlen),
        .topic = topic,
        .position = bytes_of(position, (size_t)len),
        .attrs = s->reading.attrs,
        .attr_count = s->reading.count,
    };
    pipeline_emit(s->base.pipeline, msg_new(&draft), a->token, lane_of(topic));
    mqtt_arrival_free(a);
}

static bool reserve(struct mqtt_source *s)
{
    if (!s->refused) s->refused = !pipeline_reserve(s->base.pipeline, 1);
    return !s->refused;
}

static void emit_waiting(struct mqtt_source *s)
{
    while (s->waiting && reserve(s)) {
        struct mqtt_arrival *a = s->waiting;
        s->waiting = (struct mqtt_arrival *)a->note.next;
        if (!s->waiting) s->waiting_end = &s->waiting;
        s->waiting_bytes -= a->size;
        emit(s, a);
    }
    if (s->waiting || !s->paused || s->stopped) return;
    s->paused = false;
    mqtt_client_resume(s->client);
}

/* Those that are not emitted any more are not acknowledged either: the broker keeps them. */
static void drop_waiting(struct mqtt_source *s)
{
    while (s->waiting) {
        struct mqtt_arrival *a = s->waiting;
        s->waiting = (struct mqtt_arrival *)a->note.next;
        mqtt_arrival_free(a);
    }
    s->waiting_end = &s->waiting;
    s->waiting_bytes = 0;
}

/* ---- what arrives ---- */

static void pause_arrivals(struct mqtt_source *s)
{
    s->paused = true;
    mqtt_client_pause(s->client);
    log_limited(&s->overflow, LOG_WARN, pipeline_name(s->base.pipeline),
                "mqtt: more than max_buffer_bytes = %lld wait for room: disconnected until they "
                "are through",
                (long long)s->conf->max_buffer_bytes);
}

static void wait_for_room(struct mqtt_source *s, struct mqtt_arrival *a)
{
    a->note.next = NULL;
    *s->waiting_end = a;
    s->waiting_end = (struct mqtt_arrival **)&a->note.next;
    s->waiting_bytes += a->size;
    if (!s->paused && s->waiting_bytes > (size_t)s->conf->max_buffer_bytes) pause_arrivals(s);
}

static void drop(struct mqtt_source *s, struct mqtt_arrival *a)
{
    stats_drop(pipeline_stats(s->base.pipeline), DROP_NO_ROOM);
    log_limited(&s->dropped, LOG_WARN, pipeline_name(s->base.pipeline),
                "mqtt: QoS 0 messages that came while there was no room were dropped");
    mqtt_arrival_free(a);
}

static void arrived(struct mqtt_source *s, struct mqtt_arrival *a)
{
    if (s->stopped)
        mqtt_arrival_free(a);
    else if (!s->waiting && reserve(s))
        emit(s, a);
    else if (a->message->qos == 0)
        drop(s, a);
    else
        wait_for_room(s, a);
}

/* ---- news ---- */

static void acknowledged(struct mqtt_source *s, struct receipt *done)
{
    struct receipt *batch[ACK_BATCH];
    while (done) {
        size_t n = 0;
        for (; done && n < ACK_BATCH; done = done->next)
            batch[n++] = done;
        pipeline_acknowledged(s->base.pipeline, batch, n);
    }
}

static void report_oldest(struct mqtt_source *s, const struct mqtt_oldest *o)
{
    char who[64];
    snprintf(who, sizeof(who), "packet %u", o->packet_id);
    oldest_report(&s->oldest, s->base.pipeline, o->packet_id ? who : NULL, o->age_ms, o->behind);
}

static void connected(struct mqtt_source *s, const struct mqtt_up *up)
{
    if (up->session_lost)
        log_error(
            pipeline_name(s->base.pipeline),
            "mqtt: the broker has lost the session of \"%s\" (%u times now): what it kept for "
            "it is gone, and what was published in the %.1f s without a connection; %zu "
            "messages that are in flight here still arrive (does the broker keep sessions, "
            "and is session_expiry long enough?)",
            s->client_id, ++s->sessions_lost, (double)up->away_ms / 1000, up->unacknowledged);
    else if (!up->session_present)
        log_info(pipeline_name(s->base.pipeline),
                 "mqtt: a new session for \"%s\": what was published before is not in it",
                 s->client_id);
    pipeline_source_state(&s->base, true, NULL);
}

static void take_one(struct mqtt_source *s, struct note *note)
{
    switch ((enum mqtt_news)note->kind) {
    case MQTT_ARRIVED:
        arrived(s, (struct mqtt_arrival *)note);
        return; /* freed by who has it */
    case MQTT_REDELIVERED:
        stats_add(pipeline_stats(s->base.pipeline), COUNT_REDELIVERED, 1);
        break;
    case MQTT_ACKED:
        acknowledged(s, ((struct mqtt_acked *)note)->done);
        break;
    case MQTT_OLDEST:
        report_oldest(s, (struct mqtt_oldest *)note);
        break;
    case MQTT_UP:
        connected(s, (const struct mqtt_up *)note);
        break;
    case MQTT_DOWN:
        pipeline_source_state(&s->base, false, &((struct mqtt_down *)note)->why);
        break;
    case MQTT_CLOSED:
        pipeline_source_closed(&s->base);
        break;
    case MQTT_PUBLISHED:
        break; /* a source publishes nothing */
    }
    free(note);
}

static void take(void *arg, struct note *notes)
{
    while (notes) {
        struct note *next = notes->next;
        take_one(arg, notes);
        notes = next;
    }
}

/* ---- what the pipeline asks ---- */

static size_t hold_bytes(const struct mqtt_source_conf *c)
{
    size_t half = (size_t)c->max_buffer_bytes / 2;
    return half < HOLD_BYTES ? half : HOLD_BYTES;
}

static struct source *create(const void *conf, struct pipeline *p, struct error *e)
{
    const struct mqtt_source_conf *c = conf;
    struct mqtt_source *s = mem_zalloc(sizeof(*s));
    unsigned window = pipeline_window(p);
    (void)e;
    s->base.ops = &mqtt_source;
    s->conf = c;
    s->run = loop_random(); /* one name for two messages: a FIFO queue would drop one */
    s->waiting_end = &s->waiting;
    s->client_id = mqtt_client_id(&c->mqtt, pipeline_name(p), pipeline_worker(p), true);
    struct mqtt_role role = {
        .conf = &c->mqtt,
        .client_id = mem_strdup(s->client_id),
        .filters = c->topics,
        .qos = (int)c->qos,
        .session_expiry_s = c->session_expiry,
        .receive_max = window < MAX_RECEIVE_MAXIMUM ? window : MAX_RECEIVE_MAXIMUM,
        .hold_bytes = hold_bytes(c),
    };
    s->client = mqtt_client_create(&role, pipeline_loop(p), take, s);
    return &s->base;
}

static bool start(struct source *base, struct error *e)
{
    struct mqtt_source *s = (struct mqtt_source *)base;
    (void)e;
    mqtt_client_start(s->client);
    return true;
}

static void room(struct source *base)
{
    struct mqtt_source *s = (struct mqtt_source *)base;
    s->refused = false;
    emit_waiting(s);
}

static bool is_owed(const struct receipt *r)
{
    return r->cookie != 0;
}

/* QoS 0 owes nothing. */
static void settle(struct source *base, struct receipt *const *receipts, size_t n)
{
    struct mqtt_source *s = (struct mqtt_source *)base;
    struct receipt *chain = NULL, **end = &chain;
    for (size_t i = 0; i < n; i++) {
        if (!is_owed(receipts[i])) {
            pipeline_acknowledged(base->pipeline, &receipts[i], 1);
            continue;
        }
        receipts[i]->next = NULL;
        *end = receipts[i];
        end = &receipts[i]->next;
    }
    if (chain) mqtt_client_settle(s->client, chain);
}

static void stop(struct source *base)
{
    struct mqtt_source *s = (struct mqtt_source *)base;
    s->stopped = true;
    drop_waiting(s);
}

static void close_source(struct source *base)
{
    struct mqtt_source *s = (struct mqtt_source *)base;
    stop(base);
    mqtt_client_close(s->client);
}

static void destroy(struct source *base)
{
    struct mqtt_source *s = (struct mqtt_source *)base;
    drop_waiting(s);
    mqtt_client_destroy(s->client);
    free(s->reading.scratch.ptr);
    free(s->client_id);
    free(s);
}

/* ---- what the configuration promises ---- */

static struct source_promise promise(const void *conf)
{
    const struct mqtt_source_conf *c = conf;
    struct source_promise p = {.at_least_once = true, .ordered_by = "topic"};
    if (c->qos == 0)
        p = (struct source_promise){.ordered_by = "topic", .why = "QoS 0 is not acknowledged"};
    else if (!paho_holds_acks())
        p = (struct source_promise){
            .ordered_by = "topic",
            .why = "this build acknowledges before the sinks have the message (no ack gate)"};
    for (size_t i = 0; i < c->topics.count; i++)
        if (mqtt_filter_is_shared(bytes_str(c->topics.items[i]))) p.ordered_by = NULL;
    return p;
}

static void describe(const void *conf, char *text, size_t size)
{
    const struct mqtt_source_conf *c = conf;
    snprintf(text, size, "mqtt %s%s", c->topics.count ? c->topics.items[0] : "",
             c->topics.count > 1 ? ", ..." : "");
}

const struct source_ops mqtt_source = {
    .opts = mqtt_source_opts,
    .conf_size = sizeof(struct mqtt_source_conf),
    .check = mqtt_source_check,
    .promise = promise,
    .describe = describe,
    .create = create,
    .start = start,
    .room = room,
    .settle = settle,
    .stop = stop,
    .close = close_source,
    .destroy = destroy,
};
