#include "connectors/mqtt/mqtt_session.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/mqtt/mqtt_failure.h"
#include "connectors/mqtt/mqtt_reason.h"

enum {
    PROTOCOL_MAX_PACKET = 268435460, /* 256 MiB and its fixed header */
    NOTES_PER_WAKE = 64,
};

static bool is_v5(const struct mqtt_session *s)
{
    return s->setup->role.conf->protocol == MQTT_5;
}

static struct mqtt_session_note *new_note(struct mqtt_session *s, enum mqtt_client_note kind)
{
    struct mqtt_session_note *note = mem_zalloc(sizeof(*note));
    note->note.kind = (int)kind;
    note->serial = s->serial;
    return note;
}

static void tell(struct mqtt_session *s, struct mqtt_session_note *note)
{
    handover_push(s->setup->to_client, &note->note);
}

void mqtt_session_failed(struct mqtt_session *s, const struct error *why, bool unreachable)
{
    struct mqtt_session_note *note = new_note(s, SESSION_FAILED);
    note->why = *why;
    note->unreachable = unreachable;
    tell(s, note);
}

/* ---- news for the owner ----
 *
 * File scope, because Paho's receive thread is one for all sessions. Under Paho's lock. */
static struct mqtt_session *waking;
static unsigned waking_notes;

static void wake_owners(void)
{
    while (waking) {
        struct mqtt_session *s = waking;
        waking = s->next_waking;
        s->waking = false;
        handover_wake(s->setup->to_owner);
    }
    waking_notes = 0;
}

void mqtt_session_wake_owners(void)
{
    paho_lock();
    wake_owners();
    paho_unlock();
}

void mqtt_session_tell_owner(struct mqtt_session *s, struct note *note)
{
    if (!paho_will_wait()) {
        handover_push(s->setup->to_owner, note);
        return;
    }
    handover_add(s->setup->to_owner, note);
    if (!s->waking) {
        s->waking = true;
        s->next_waking = waking;
        waking = s;
    }
    if (++waking_notes >= NOTES_PER_WAKE) wake_owners();
}

/* ---- connecting: callbacks of Paho's threads ---- */

static void connected(struct mqtt_session *s, bool session_present)
{
    struct mqtt_session_note *note = new_note(s, SESSION_CONNECTED);
    note->session_present = session_present;
    note->limits = s->limits;
    if (s->setup->gate) {
        s->setup->net = paho_current_net();
        note->forgotten = ack_gate_connected(s->setup->gate, session_present);
    }
    tell(s, note);
}

static void on_connected3(void *context, MQTTAsync_successData *data)
{
    struct mqtt_session *s = context;
    connected(s, data->alt.connect.sessionPresent);
}

static long long property(MQTTProperties *props, enum MQTTPropertyCodes code, long long fallback)
{
    if (!MQTTProperties_hasProperty(props, code)) return fallback;
    return (unsigned)MQTTProperties_getNumericValue(props, code);
}

static void on_connected5(void *context, MQTTAsync_successData5 *data)
{
    struct mqtt_session *s = context;
    MQTTProperties *p = &data->properties;
    struct mqtt_limits *l = &s->limits;
    l->receive_max = (unsigned)property(p, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, l->receive_max);
    l->max_packet = (uint32_t)property(p, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, l->max_packet);
    l->max_qos = (unsigned)property(p, MQTTPROPERTY_CODE_MAXIMUM_QOS, l->max_qos);
    l->topic_aliases = (unsigned)property(p, MQTTPROPERTY_CODE_TOPIC_ALIAS_MAXIMUM, 0);
    l->retain = property(p, MQTTPROPERTY_CODE_RETAIN_AVAILABLE, 1) != 0;
    unsigned aliases = s->setup->role.topic_aliases;
    if (l->topic_aliases < aliases) aliases = l->topic_aliases;
    if (aliases) s->aliases = mqtt_aliases_create(aliases);
    connected(s, data->alt.connect.sessionPresent);
}

static void refused(struct mqtt_session *s, int code, const char *message)
{
    bool timeout = message && strstr(message, "timeout"); /* found by another of Paho's threads */
    struct paho_failure inside = timeout ? (struct paho_failure){0} : paho_failure();
    struct mqtt_failure f = {
        .code = code,
        .message = message,
        .os_error = inside.os_error,
        .verify_error = inside.verify_error,
        .tls_alert = inside.tls_alert,
        .tls_error = s->tls_error,
        .tls = s->setup->url.tls,
        .timeout_s = s->setup->role.conf->connect_timeout,
    };
    struct error why;
    mqtt_failure_explain(&f, s->setup->broker, &why);
    mqtt_session_failed(s, &why, code <= 0);
}

static void on_refused3(void *context, MQTTAsync_failureData *data)
{
    refused(context, data ? data->code : 0, data ? data->message : NULL);
}

static void on_refused5(void *context, MQTTAsync_failureData5 *data)
{
    refused(context, data ? data->code : 0, data ? data->message : NULL);
}

/* OpenSSL's first complaint is the cause of the others. */
static int on_tls_error(const char *text, size_t len, void *context)
{
    struct mqtt_session *s = context;
    if (!*s->tls_error) snprintf(s->tls_error, sizeof(s->tls_error), "%.*s", (int)len, text);
    return 1;
}

/* ---- the connection ends: callbacks ---- */

static void gate_disconnected(struct mqtt_setup *setup)
{
    if (!setup->gate) return;
    setup->net = NULL;
    ack_gate_disconnected(setup->gate);
}

static void on_lost(void *context, char *cause)
{
    struct mqtt_session *s = context;
    struct error why;
    (void)cause; /* always NULL */
    gate_disconnected(s->setup);
    error_set(&why, FAULT_DOWN, "connection to %s lost", s->setup->broker);
    mqtt_session_failed(s, &why, false);
}

/* The broker said goodbye; on_lost() is not called then. */
static void on_goodbye(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
    struct mqtt_session *s = context;
    struct error why;
    (void)properties;
    gate_disconnected(s->setup);
    error_set(&why, FAULT_DOWN, "%s closed the connection: %s", s->setup->broker,
              reason ? mqtt_reason_text((uint8_t)reason) : "no reason given");
    mqtt_session_failed(s, &why, false);
}

/* ---- messages arrive: callback ---- */

static bool gate_passes(struct mqtt_session *s, struct mqtt_arrival *a)
{
    const MQTTAsync_message *m = a->message;
    if (m->qos == 0 || !s->setup->gate) return true;
    uint64_t fingerprint = ack_gate_fingerprint(bytes_of(a->topic, a->topic_len),
                                                bytes_of(m->payload, (size_t)m->payloadlen));
    return ack_gate_arrived(s->setup->gate, (uint16_t)m->msgid, m->dup, fingerprint, &a->token);
}

/* With what the heap adds to each piece: most messages are small. */
static size_t size_in_memory(const struct mqtt_arrival *a)
{
    enum { PIECE = 16, PIECES = 4, PIECES_PER_PROPERTY = 2 };
    const MQTTProperties *p = &a->message->properties;
    size_t pieces = PIECES + PIECES_PER_PROPERTY * (size_t)p->count;
    return sizeof(*a) + a->topic_len + sizeof(*a->message) + (size_t)a->message->payloadlen +
           (size_t)p->length + (size_t)p->max_count * sizeof(MQTTProperty) + PIECE * pieces;
}

static int on_arrived(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    struct mqtt_session *s = context;
    struct mqtt_arrival *a = mem_alloc(sizeof(*a));
    *a = (struct mqtt_arrival){
        .note.kind = MQTT_ARRIVED,
        .topic = topic,
        .topic_len = topic_len > 0 ? (size_t)topic_len : strlen(topic),
        .message = message,
        .backlog = &s->setup->backlog,
    };
    a->size = size_in_memory(a);
    if (gate_passes(s, a)) {
        mqtt_backlog_add(a->backlog, a->size);
    } else {
        MQTTAsync_freeMessage(&a->message);
        MQTTAsync_free(a->topic);
        a->topic = NULL;
        a->note.kind = MQTT_REDELIVERED;
        tell(s, new_note(s, CLIENT_DRAIN)); /* it may be confirmed already */
    }
    mqtt_session_tell_owner(s, &a->note);
    return 1; /* ours: Paho frees nothing, and does not offer it again */
}

void mqtt_arrival_free(struct mqtt_arrival *a)
{
    MQTTAsync_freeMessage(&a->message);
    MQTTAsync_free(a->topic);
    mqtt_backlog_remove(a->backlog, a->size);
    free(a);
}

/* ---- open ---- */

static char *alpn_wire(const struct opt_list *names, unsigned *len)
{
    struct buf wire = {0};
    for (size_t i = 0; i < names->count; i++)
        buf_printf(&wire, "%c%s", (int)strlen(names->items[i]), names->items[i]);
    *len = (unsigned)wire.len;
    return wire.ptr;
}

static void add_tls(MQTTAsync_connectOptions *o, MQTTAsync_SSLOptions *ssl, struct mqtt_session *s,
                    char **alpn)
{
    const struct mqtt_conf *c = s->setup->role.conf;
    ssl->trustStore = c->tls_ca;
    ssl->keyStore = c->tls_cert;
    ssl->privateKey = c->tls_key;
    ssl->privateKeyPassword = c->tls_key_password;
    ssl->enableServerCertAuth = ssl->verify = c->tls_verify;
    ssl->ssl_error_cb = on_tls_error;
    ssl->ssl_error_context = s;
    if (c->alpn.count) {
        *alpn = alpn_wire(&c->alpn, &ssl->protos_len);
        ssl->protos = (const unsigned char *)*alpn;
    }
    o->ssl = ssl; /* Paho copies all of it */
}

static void add_will(MQTTAsync_connectOptions *o, MQTTAsync_willOptions *will,
                     const struct mqtt_conf *c)
{
    if (!c->will_topic) return;
    will->topicName = c->will_topic;
    will->message = c->will_payload ? c->will_payload : "";
    will->qos = (int)c->will_qos;
    will->retained = c->will_retain;
    o->will = will;
}

/* Paho keeps the pointers: the session owns what they point to. */
static void add_headers(MQTTAsync_connectOptions *o, struct mqtt_session *s)
{
    const struct opt_list *headers = &s->setup->role.conf->ws_headers;
    struct buf text = {0};
    if (!headers->count) return;
    for (size_t i = 0; i < headers->count; i++)
        buf_add(&text, headers->items[i], strlen(headers->items[i]) + 1);
    s->header_text = text.ptr;
    s->headers = mem_zalloc((headers->count + 1) * sizeof(*s->headers));
    char *at = s->header_text;
    for (size_t i = 0; i < headers->count; i++) {
        char *value = strchr(at, ':');
        size_t len = strlen(at);
        *value++ = '\0';
        s->headers[i].name = at;
        s->headers[i].value = value + strspn(value, " ");
        at += len + 1;
    }
    o->httpHeaders = s->headers;
}

static void add_number(MQTTProperties *to, enum MQTTPropertyCodes code, unsigned value)
{
    MQTTProperty p = {.identifier = code};
    if (code == MQTTPROPERTY_CODE_RECEIVE_MAXIMUM)
        p.value.integer2 = (unsigned short)value;
    else
        p.value.integer4 = value;
    MQTTProperties_add(to, &p);
}

static void add_session(MQTTAsync_connectOptions *o, MQTTProperties *props, struct mqtt_session *s)
{
    const struct mqtt_role *role = &s->setup->role;
    if (!is_v5(s)) {
        o->cleansession = !role->session_expiry_s;
        o->onSuccess = on_connected3;
        o->onFailure = on_refused3;
        return;
    }
    o->cleanstart = !role->session_expiry_s;
    o->onSuccess5 = on_connected5;
    o->onFailure5 = on_refused5;
    if (role->session_expiry_s)
        add_number(props, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL,
                   (unsigned)role->session_expiry_s);
    if (role->receive_max) add_number(props, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, role->receive_max);
    o->connectProperties = props;
}

static int begin_connect(struct mqtt_session *s)
{
    const struct mqtt_conf *c = s->setup->role.conf;
    MQTTAsync_connectOptions o3 = MQTTAsync_connectOptions_initializer;
    MQTTAsync_connectOptions o5 = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions o = is_v5(s) ? o5 : o3;
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTProperties props = MQTTProperties_initializer;
    char *alpn = NULL;
    o.MQTTVersion = is_v5(s) ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    o.keepAliveInterval = (int)c->keep_alive;
    o.connectTimeout = (int)c->connect_timeout;
    o.username = c->username;
    o.password = c->password;
    o.httpProxy = o.httpsProxy = c->proxy;
    o.context = s;
    add_session(&o, &props, s);
    add_will(&o, &will, c);
    add_headers(&o, s);
    add_tls(&o, &ssl, s, &alpn);
    int rc = MQTTAsync_connect(s->handle, &o);
    MQTTProperties_free(&props);
    free(alpn);
    return rc;
}

static int create(struct mqtt_session *s)
{
    MQTTAsync_createOptions o = MQTTAsync_createOptions_initializer;
    o.MQTTVersion = is_v5(s) ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    o.maxBufferedMessages = 4096; /* above every window: only QoS 0 can meet it */
    int rc = MQTTAsync_createWithOptions(&s->handle, s->setup->uri, s->setup->role.client_id,
                                         MQTTCLIENT_PERSISTENCE_NONE, NULL, &o);
    if (rc != MQTTASYNC_SUCCESS) return rc;
    MQTTAsync_setCallbacks(s->handle, s, on_lost, on_arrived, NULL);
    MQTTAsync_setDisconnected(s->handle, s, on_goodbye);
    return rc;
}

struct mqtt_session *mqtt_session_open(struct mqtt_setup *setup, uint64_t serial, struct error *e)
{
    struct mqtt_session *s = mem_zalloc(sizeof(*s));
    s->setup = setup;
    s->serial = serial;
    s->limits = (struct mqtt_limits){
        .max_packet = PROTOCOL_MAX_PACKET, .receive_max = UINT16_MAX, .max_qos = 2, .retain = true};
    int rc = create(s);
    if (rc == MQTTASYNC_SUCCESS) rc = begin_connect(s);
    if (rc == MQTTASYNC_SUCCESS) return s;
    error_set(e, FAULT_CONFIG, "connecting to %s: %s", setup->broker, MQTTAsync_strerror(rc));
    mqtt_session_destroy(s);
    return NULL;
}

void mqtt_session_destroy(struct mqtt_session *s)
{
    if (!s) return;
    if (s->handle) paho_discard_queued(s->handle);
    if (s->handle) MQTTAsync_destroy(&s->handle); /* no callback comes after this */
    paho_lock();
    gate_disconnected(s->setup);
    wake_owners(); /* and is on no list any more */
    paho_unlock();
    mqtt_properties_free(&s->properties);
    mqtt_aliases_destroy(s->aliases);
    free(s->headers);
    free(s->header_text);
    free(s);
}
