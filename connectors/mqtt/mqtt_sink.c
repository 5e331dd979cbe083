/* The sink: publishes through a window of its own, and turns what the broker says of each into a
 * verdict. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/log.h"
#include "connectors/mqtt/mqtt.h"
#include "connectors/mqtt/mqtt_properties.h"
#include "connectors/mqtt/mqtt_publish.h"
#include "connectors/mqtt/mqtt_reason.h"

struct mqtt_sink {
    struct sink base;
    const struct mqtt_sink_conf *conf;
    struct mqtt_client *client;
    struct mqtt_limits limits; /* of the last broker that we were connected to */
    char *fixed_topic;         /* where the template is constant; NULL: it is not */
    struct buf topic;          /* of the message at hand */
    size_t window, in_flight;
    bool up, full;
};

static struct mqtt_sink *sink_of(struct sink *base)
{
    return (struct mqtt_sink *)base;
}

/* ---- publish ---- */

static bool make_topic(struct mqtt_sink *s, const struct msg *m, struct error *e)
{
    if (s->fixed_topic) return true;
    s->topic.len = 0;
    if (!template_expand(s->conf->topic, m, &s->topic, e)) return false;
    struct bytes topic = bytes_of(s->topic.ptr, s->topic.len);
    if (mqtt_topic_is_valid(topic)) return true;
    return error_set(e, FAULT_REJECT, "\"%.*s\" is no topic to publish to (no + and #, not empty)",
                     (int)(topic.len < 200 ? topic.len : 200), (const char *)topic.ptr);
}

static struct mqtt_publish *new_publish(struct mqtt_sink *s, struct leg *l)
{
    size_t len = s->fixed_topic ? 0 : s->topic.len;
    struct mqtt_publish *p = mem_zalloc(sizeof(*p) + len + 1);
    p->leg = l;
    p->qos = (int)s->conf->qos;
    p->retain = s->conf->retain || mqtt_properties_retained(l->msg);
    p->expiry_s = s->conf->message_expiry;
    if (len) memcpy(p->topic_text, s->topic.ptr, len);
    p->topic = s->fixed_topic ? s->fixed_topic : p->topic_text;
    return p;
}

/* NULL: it can never go, and e says why. */
static struct mqtt_publish *prepare(struct mqtt_sink *s, struct leg *l, struct error *e)
{
    if (!make_topic(s, l->msg, e)) return NULL;
    struct mqtt_publish *p = new_publish(s, l);
    if (!p->retain || s->limits.retain) return p;
    free(p);
    error_set(e, FAULT_REJECT, "%s", mqtt_reason_text(MQTT_RETAIN_NOT_SUPPORTED));
    return NULL;
}

static size_t submit(struct sink *base, struct leg *const *legs, size_t n)
{
    struct mqtt_sink *s = sink_of(base);
    struct mqtt_publish *first = NULL, *last = NULL;
    struct error e;
    size_t taken = 0;
    for (; taken < n && s->in_flight < s->window; taken++) {
        struct mqtt_publish *p = prepare(s, legs[taken], &e);
        if (!p) {
            leg_done(legs[taken], &e);
            continue;
        }
        if (last)
            last->note.next = &p->note;
        else
            first = p;
        last = p;
        s->in_flight++;
    }
    if (first) mqtt_client_publish(s->client, first, last);
    s->full = taken == 0;
    return taken;
}

/* ---- what the broker says ---- */

static void set_down(struct mqtt_sink *s, const struct error *why)
{
    s->up = false;
    pipeline_sink_state(&s->base, SINK_DOWN, why);
}

static void refused(const struct mqtt_sink *s, const struct mqtt_publish *p, struct error *e)
{
    switch (p->outcome) {
    case PUBLISH_CONFIRMED:
        break;
    case PUBLISH_REFUSED:
        error_set(e, mqtt_reason_fault(p->reason), "publishing to \"%s\": %s", p->topic,
                  mqtt_reason_text(p->reason));
        break;
    case PUBLISH_DOWN:
        error_set(e, FAULT_DOWN, "publishing to \"%s\": the connection was lost", p->topic);
        break;
    case PUBLISH_TOO_LARGE:
        error_set(e, FAULT_REJECT,
                  "publishing to \"%s\": a packet of %zu bytes is more than the broker takes (%u)",
                  p->topic, p->size, s->limits.max_packet);
        break;
    case PUBLISH_BAD_ATTRIBUTE:
        error_set(e, FAULT_REJECT,
                  "publishing to \"%s\": an attribute is longer than the 65535 bytes of a user "
                  "property, or its name has characters that MQTT does not allow",
                  p->topic);
        break;
    }
}

static void published(struct mqtt_sink *s, struct mqtt_publish *p)
{
    struct error e;
    struct leg *l = p->leg;
    bool confirmed = p->outcome == PUBLISH_CONFIRMED;
    if (!confirmed) refused(s, p, &e);
    /* First, so that what comes back now is not offered again at once. */
    if (p->outcome == PUBLISH_DOWN && s->up) set_down(s, &e);
    free(p);
    s->in_flight--;
    leg_done(l, confirmed ? NULL : &e);
    if (!s->full || s->in_flight > s->window * 3 / 4) return; /* a few at once cost less */
    s->full = false;
    pipeline_ready(&s->base);
}

static void connected(struct mqtt_sink *s, const struct mqtt_limits *limits)
{
    struct error e;
    size_t window = (size_t)s->conf->max_in_flight;
    s->limits = *limits;
    s->window = window < limits->receive_max ? window : limits->receive_max;
    if (s->conf->qos > limits->max_qos) {
        error_set(&e, FAULT_CONFIG,
                  "the broker takes QoS %u at most (set qos = %u where messages "
                  "may be lost)",
                  limits->max_qos, limits->max_qos);
        set_down(s, &e);
        return;
    }
    s->up = true;
    pipeline_sink_state(&s->base, SINK_UP, NULL);
}

static void take_one(struct mqtt_sink *s, struct note *note)
{
    switch ((enum mqtt_news)note->kind) {
    case MQTT_PUBLISHED:
        published(s, (struct mqtt_publish *)note);
        return;
    case MQTT_UP:
        connected(s, &((struct mqtt_up *)note)->limits);
        break;
    case MQTT_DOWN:
        set_down(s, &((struct mqtt_down *)note)->why);
        break;
    case MQTT_CLOSED:
        pipeline_sink_closed(&s->base);
        break;
    case MQTT_ARRIVED:
    case MQTT_REDELIVERED:
    case MQTT_ACKED:
    case MQTT_OLDEST:
        break; /* a sink subscribes to nothing */
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

static struct sink *create(const void *conf, struct pipeline *p, struct error *e)
{
    const struct mqtt_sink_conf *c = conf;
    struct mqtt_sink *s = mem_zalloc(sizeof(*s));
    struct bytes topic;
    (void)e;
    s->base.ops = &mqtt_sink;
    s->conf = c;
    if (template_is_constant(c->topic, &topic)) s->fixed_topic = mem_strndup(topic.ptr, topic.len);
    struct mqtt_role role = {
        .conf = &c->mqtt,
        .client_id = mqtt_client_id(&c->mqtt, pipeline_name(p), pipeline_worker(p), false),
        .topic_aliases = c->qos ? (unsigned)c->topic_aliases : 0, /* QoS 0 confirms none */
    };
    s->client = mqtt_client_create(&role, pipeline_loop(p), take, s);
    return &s->base;
}

static bool start(struct sink *base, struct error *e)
{
    struct mqtt_sink *s = sink_of(base);
    (void)e;
    if (s->conf->mqtt.protocol == MQTT_3_1_1)
        log_info(pipeline_name(base->pipeline),
                 "mqtt: MQTT 3.1.1 carries no attributes: they are left behind (protocol = \"5\" "
                 "carries them)");
    mqtt_client_start(s->client);
    return true;
}

/* What is under way comes back first, as lost. */
static void close_sink(struct sink *base)
{
    mqtt_client_close(sink_of(base)->client);
}

static void destroy(struct sink *base)
{
    struct mqtt_sink *s = sink_of(base);
    mqtt_client_destroy(s->client);
    free(s->fixed_topic);
    free(s->topic.ptr);
    free(s);
}

/* ---- what the configuration promises ---- */

static struct sink_promise promise(const void *conf)
{
    const struct mqtt_sink_conf *c = conf;
    bool confirmed = c->qos > 0;
    return (struct sink_promise){
        .order = ORDER_STREAM,
        .confirmed = confirmed,
        .why = confirmed ? NULL : "QoS 0 is not acknowledged",
        .body_only = c->mqtt.protocol == MQTT_5 ? NULL
                                                : "MQTT 3.1.1 carries only the body (set "
                                                  "protocol = \"5\")",
    };
}

/* The broker keeps letters for a session that is there already, under a name of its own. */
static bool letters(const void *conf, struct letter_place *place, struct error *e)
{
    const struct mqtt_sink_conf *c = conf;
    struct mqtt_source_conf *source = place->conf;
    struct bytes topic;
    if (!place->take)
        return error_set(e, FAULT_CONFIG,
                         "MQTT can't be looked at without taking: what a session was sent is gone "
                         "from it when it was acknowledged (use replay)");
    if (!template_is_constant(c->topic, &topic))
        return error_set(e, FAULT_CONFIG, "topic \"%s\" is many topics", template_text(c->topic));
    if (topic.len > 300) return error_set(e, FAULT_CONFIG, "the topic is too long");
    int end = snprintf(place->text, sizeof(place->text), "%.*s", BYTES_ARGS(topic)) + 1;
    snprintf(place->text + end, sizeof(place->text) - (size_t)end, "sqsbridge-%s-dlq-replay",
             place->pipeline);
    place->items[0] = place->text;
    source->mqtt = c->mqtt;
    source->mqtt.client_id = place->text + end;
    source->mqtt.will_topic = source->mqtt.will_payload = NULL;
    source->topics = (struct opt_list){place->items, 1};
    source->session_expiry = UINT32_MAX; /* never */
    place->note = "the broker keeps letters only from the first replay on, which makes the session "
                  "that they wait in";
    return true;
}

static void describe(const void *conf, char *text, size_t size)
{
    const struct mqtt_sink_conf *c = conf;
    snprintf(text, size, "mqtt %s", template_text(c->topic));
}

const struct sink_ops mqtt_sink = {
    .opts = mqtt_sink_opts,
    .conf_size = sizeof(struct mqtt_sink_conf),
    .check = mqtt_sink_check,
    .promise = promise,
    .describe = describe,
    .letters = letters,
    .create = create,
    .start = start,
    .submit = submit,
    .max_batch = 256,
    .close = close_sink,
    .destroy = destroy,
};
