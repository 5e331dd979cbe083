/* SUBSCRIBE, and what the broker says to each filter; UNSUBSCRIBE. */
#include "connectors/mqtt/mqtt_reason.h"
#include "connectors/mqtt/mqtt_session.h"

#include <stdlib.h>

static void tell(struct mqtt_session *s, enum mqtt_client_note kind)
{
    struct mqtt_session_note *note = mem_zalloc(sizeof(*note));
    note->note.kind = (int)kind;
    note->serial = s->serial;
    handover_push(s->setup->to_client, &note->note);
}

static void refused(struct mqtt_session *s, const char *filter, int code)
{
    struct error why;
    error_set(&why, FAULT_CONFIG, "subscribing to \"%s\" at %s: %s", filter, s->setup->broker,
              mqtt_reason_text((uint8_t)code));
    mqtt_session_failed(s, &why, false);
}

static void granted_less(struct mqtt_session *s, const char *filter)
{
    struct error why;
    error_set(&why, FAULT_CONFIG,
              "subscribing to \"%s\" at %s: the broker grants QoS 0 only (set qos = 0 where "
              "messages may be lost)",
              filter, s->setup->broker);
    mqtt_session_failed(s, &why, false);
}

/* codes: one for each filter; the granted QoS, or why not. */
static void answer(struct mqtt_session *s, const int *codes, size_t count)
{
    const struct mqtt_role *role = &s->setup->role;
    for (size_t i = 0; i < count && i < role->filters.count; i++) {
        if (codes[i] >= 0x80) {
            refused(s, role->filters.items[i], codes[i]);
            return;
        }
        if (codes[i] < role->qos) {
            granted_less(s, role->filters.items[i]);
            return;
        }
    }
    tell(s, SESSION_SUBSCRIBED);
}

/* ---- callbacks ---- */

static void on_subscribed3(void *context, MQTTAsync_successData *data)
{
    struct mqtt_session *s = context;
    size_t count = s->setup->role.filters.count;
    answer(s, count == 1 ? &data->alt.qos : data->alt.qosList, count);
}

static void on_subscribed5(void *context, MQTTAsync_successData5 *data)
{
    struct mqtt_session *s = context;
    int one = (int)data->reasonCode;
    bool many = data->alt.sub.reasonCodeCount > 1;
    answer(s, many ? (const int *)data->alt.sub.reasonCodes : &one,
           many ? (size_t)data->alt.sub.reasonCodeCount : 1);
}

static void no_answer(struct mqtt_session *s, int code)
{
    if (code >= 0x80) refused(s, s->setup->role.filters.items[0], code);
    /* else the connection was lost, and on_lost() says so */
}

static void on_refused3(void *context, MQTTAsync_failureData *data)
{
    no_answer(context, data ? data->code : 0);
}

static void on_refused5(void *context, MQTTAsync_failureData5 *data)
{
    no_answer(context, data ? (int)data->reasonCode : 0);
}

/* ---- */

static void set_callbacks(MQTTAsync_responseOptions *o, bool v5)
{
    if (v5) {
        o->onSuccess5 = on_subscribed5;
        o->onFailure5 = on_refused5;
    } else {
        o->onSuccess = on_subscribed3;
        o->onFailure = on_refused3;
    }
}

bool mqtt_session_subscribe(struct mqtt_session *s, struct error *e)
{
    const struct mqtt_role *role = &s->setup->role;
    int count = (int)role->filters.count;
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    MQTTSubscribe_options one = MQTTSubscribe_options_initializer;
    one.retainAsPublished = 1; /* the flag is the publisher's, and not "this is old" */
    one.retainHandling = 1;    /* retained messages once, and not with each connection */
    int *qos = mem_alloc((size_t)count * sizeof(*qos));
    MQTTSubscribe_options *each = mem_alloc((size_t)count * sizeof(*each));
    for (int i = 0; i < count; i++) {
        qos[i] = role->qos;
        each[i] = one;
    }
    o.context = s;
    o.subscribeOptions = one;
    if (count > 1) {
        o.subscribeOptionsCount = count;
        o.subscribeOptionsList = each;
    }
    set_callbacks(&o, role->conf->protocol == MQTT_5);
    int rc = MQTTAsync_subscribeMany(s->handle, count,
                                     (char *const *)(uintptr_t)role->filters.items, qos, &o);
    free(qos);
    free(each);
    return rc == MQTTASYNC_SUCCESS || error_set(e, FAULT_DOWN, "subscribing at %s: %s",
                                                s->setup->broker, MQTTAsync_strerror(rc));
}

/* ---- an answer that the broker gives after it has read what came before ---- */

static void on_synced3(void *context, MQTTAsync_successData *data)
{
    (void)data;
    tell(context, SESSION_SYNCED);
}

static void on_synced5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    tell(context, SESSION_SYNCED);
}

/* UNSUBSCRIBE from what nobody subscribed to is the only question that any client may ask at any
 * time and that is answered in turn. */
bool mqtt_session_sync(struct mqtt_session *s)
{
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    o.context = s;
    if (s->setup->role.conf->protocol == MQTT_5)
        o.onSuccess5 = on_synced5;
    else
        o.onSuccess = on_synced3;
    return MQTTAsync_unsubscribe(s->handle, "sqsbridge/nothing", &o) == MQTTASYNC_SUCCESS;
}
