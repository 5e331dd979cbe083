#include "connectors/mqtt/mqtt_publish.h"

#include <string.h>

#include "connectors/mqtt/mqtt_properties.h"
#include "connectors/mqtt/mqtt_session.h"

void mqtt_publish_return(struct mqtt_publish *p, enum mqtt_outcome outcome)
{
    p->outcome = outcome;
    p->note.kind = MQTT_PUBLISHED;
    handover_push(p->back, &p->note);
}

/* ---- callbacks of Paho's threads ---- */

static void answered(struct mqtt_publish *p, enum mqtt_outcome outcome)
{
    atomic_fetch_sub_explicit(&p->session->unanswered, 1, memory_order_relaxed);
    p->outcome = outcome;
    p->note.kind = MQTT_PUBLISHED;
    mqtt_session_tell_owner(p->session, &p->note);
}

static void on_confirmed3(void *context, MQTTAsync_successData *data)
{
    (void)data;
    answered(context, PUBLISH_CONFIRMED);
}

static void on_confirmed5(void *context, MQTTAsync_successData5 *data)
{
    struct mqtt_publish *p = context;
    (void)data; /* its reason code is always 0 in Paho 1.3.12, even for "no subscribers" */
    mqtt_alias_confirm(p->session->aliases, p->alias);
    answered(p, PUBLISH_CONFIRMED);
}

static void on_failed3(void *context, MQTTAsync_failureData *data)
{
    (void)data; /* a PUBACK of 3.1.1 can't refuse: the connection is gone */
    answered(context, PUBLISH_DOWN);
}

static void on_failed5(void *context, MQTTAsync_failureData5 *data)
{
    struct mqtt_publish *p = context;
    p->reason = data ? (uint8_t)data->reasonCode : 0;
    answered(p, p->reason >= 0x80 ? PUBLISH_REFUSED : PUBLISH_DOWN);
}

/* ---- the MQTT thread ---- */

static size_t varint_bytes(size_t value)
{
    return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : 4;
}

/* Of the whole packet [MQTT5 3.3]. */
static size_t packet_size(const struct mqtt_publish *p, const char *topic, bool v5,
                          size_t properties)
{
    size_t remaining = 2 + strlen(topic) + (p->qos ? 2u : 0u) + p->leg->msg->body.len;
    if (v5) remaining += varint_bytes(properties) + properties;
    return 1 + varint_bytes(remaining) + remaining;
}

static void set_callbacks(MQTTAsync_responseOptions *o, const struct mqtt_publish *p, bool v5)
{
    /* Under back-pressure Paho loses callbacks of QoS 0 (its issue 1667): none are asked for. */
    if (p->qos == 0) return;
    if (v5) {
        o->onSuccess5 = on_confirmed5;
        o->onFailure5 = on_failed5;
    } else {
        o->onSuccess = on_confirmed3;
        o->onFailure = on_failed3;
    }
}

/* Paho copies everything. Without response options it would drop the properties (1.3.12). */
static int send_it(struct mqtt_session *s, struct mqtt_publish *p, const char *topic, bool v5)
{
    struct bytes body = p->leg->msg->body;
    const struct mqtt_properties *props = &s->properties;
    MQTTAsync_message message = MQTTAsync_message_initializer;
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    message.payload = (void *)(uintptr_t)(body.len ? body.ptr : "");
    message.payloadlen = (int)body.len;
    message.qos = p->qos;
    message.retained = p->retain;
    if (v5) {
        message.properties.count = message.properties.max_count = (int)props->count;
        message.properties.length = (int)props->length;
        message.properties.array = props->items;
    }
    o.context = p;
    set_callbacks(&o, p, v5);
    atomic_fetch_add_explicit(&s->unanswered, p->qos ? 1 : 0, memory_order_relaxed);
    int rc = MQTTAsync_sendMessage(s->handle, topic, &message, &o);
    if (rc != MQTTASYNC_SUCCESS)
        atomic_fetch_sub_explicit(&s->unanswered, p->qos ? 1 : 0, memory_order_relaxed);
    return rc;
}

/* What goes into the packet as topic. */
static const char *use_alias(struct mqtt_session *s, struct mqtt_publish *p)
{
    bool known = false;
    p->alias = s->aliases ? mqtt_alias_of(s->aliases, p->topic, &known) : 0;
    if (p->alias) mqtt_properties_add_alias(&s->properties, p->alias);
    return known ? "" : p->topic;
}

bool mqtt_publish_send(struct mqtt_session *s, struct mqtt_publish *p)
{
    bool v5 = s->setup->role.conf->protocol == MQTT_5;
    struct mqtt_properties *props = &s->properties;
    props->length = 0;
    if (v5 && !mqtt_properties_build(props, p->leg->msg, p->expiry_s)) {
        mqtt_publish_return(p, PUBLISH_BAD_ATTRIBUTE);
        return true;
    }
    const char *topic = use_alias(s, p);
    p->size = packet_size(p, topic, v5, props->length);
    if (p->size > s->limits.max_packet) {
        mqtt_publish_return(p, PUBLISH_TOO_LARGE);
        return true;
    }
    int qos = p->qos; /* p may be gone as soon as Paho has it */
    p->session = s;
    int rc = send_it(s, p, topic, v5);
    if (rc == MQTTASYNC_MAX_BUFFERED_MESSAGES) return false;
    if (rc != MQTTASYNC_SUCCESS)
        mqtt_publish_return(p, PUBLISH_DOWN);
    else if (qos == 0)
        mqtt_publish_return(p, PUBLISH_CONFIRMED);
    return true;
}
