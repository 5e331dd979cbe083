#include "connectors/mqtt/mqtt_properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/json.h"
#include "bridge/mapping.h"
#include "bridge/text.h"
#include "connectors/mqtt/mqtt_conf.h"

enum { LONGEST_FIELD = 65535 };

enum form { FORM_TEXT, FORM_BYTES, FORM_BYTE, FORM_NUMBER };

/* The one place for these names. */
static const struct own {
    const char *name;
    enum MQTTPropertyCodes code;
    enum form form;
} own_properties[] = {
    {"mqtt.content_type", MQTTPROPERTY_CODE_CONTENT_TYPE, FORM_TEXT},
    {"mqtt.response_topic", MQTTPROPERTY_CODE_RESPONSE_TOPIC, FORM_TEXT},
    {"mqtt.correlation_data", MQTTPROPERTY_CODE_CORRELATION_DATA, FORM_BYTES},
    {"mqtt.payload_format", MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, FORM_BYTE},
    {"mqtt.message_expiry", MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, FORM_NUMBER},
};
enum { OWN_COUNT = sizeof(own_properties) / sizeof(own_properties[0]) };

static const char retain_name[] = "mqtt.retain";

/* ---- what arrived ---- */

static struct bytes view(MQTTLenString text)
{
    return bytes_of(text.data ? text.data : "", (size_t)text.len);
}

static enum attr_type type_of(struct bytes value)
{
    return text_is_utf8(value) && !text_has_nul(value) ? ATTR_STRING : ATTR_BINARY;
}

static struct bytes put_number(char *text, size_t size, unsigned number)
{
    snprintf(text, size, "%u", number);
    return bytes_str(text);
}

static void add_attr(struct mqtt_reading *r, struct bytes name, struct bytes value,
                     enum attr_type type)
{
    r->attrs[r->count++] = (struct attr){.name = name, .value = value, .type = type};
}

static void read_own(struct mqtt_reading *r, const struct own *own, const MQTTProperty *p)
{
    struct bytes name = bytes_str(own->name), data = view(p->value.data);
    switch (own->form) {
    case FORM_TEXT:
        add_attr(r, name, data, type_of(data));
        break;
    case FORM_BYTES:
        add_attr(r, name, data, ATTR_BINARY);
        break;
    case FORM_BYTE:
        data = put_number(r->payload_format, sizeof(r->payload_format), p->value.byte);
        add_attr(r, name, data, ATTR_NUMBER);
        break;
    case FORM_NUMBER:
        data = put_number(r->message_expiry, sizeof(r->message_expiry), p->value.integer4);
        add_attr(r, name, data, ATTR_NUMBER);
        break;
    }
}

/* Subscription identifiers and aliases are of this connection only, and not in the table. */
static void read_own_all(struct mqtt_reading *r, const MQTTProperties *all)
{
    for (int i = 0; i < all->count && r->count < OWN_COUNT + 1; i++)
        for (size_t k = 0; k < OWN_COUNT; k++)
            if (own_properties[k].code == all->array[i].identifier)
                read_own(r, &own_properties[k], &all->array[i]);
}

static void read_user(struct mqtt_reading *r, const MQTTProperties *all)
{
    for (int i = 0; i < all->count && r->count < MSG_MAX_ATTRS; i++) {
        const MQTTProperty *p = &all->array[i];
        if (p->identifier != MQTTPROPERTY_CODE_USER_PROPERTY) continue;
        struct bytes value = view(p->value.value);
        add_attr(r, view(p->value.data), value, type_of(value));
    }
}

void mqtt_properties_read(struct mqtt_reading *r, const MQTTAsync_message *m)
{
    r->count = r->scratch.len = 0;
    if (m->retained) add_attr(r, bytes_str(retain_name), BYTES_LIT("true"), ATTR_STRING);
    read_own_all(r, &m->properties);
    size_t own = r->count;
    read_user(r, &m->properties);
    r->count = own + mapping_fold_headers(r->attrs + own, r->count - own, &r->scratch);
}

/* ---- what leaves ---- */

static const struct own *own_of(struct bytes name)
{
    for (size_t i = 0; i < OWN_COUNT; i++)
        if (bytes_eq(name, bytes_str(own_properties[i].name))) return &own_properties[i];
    return NULL;
}

/* Numbers out of range and text that is none stay user properties. */
static bool fits(const struct own *own, const struct attr *a)
{
    int64_t number;
    switch (own->form) {
    case FORM_TEXT:
        if (own->code == MQTTPROPERTY_CODE_RESPONSE_TOPIC && !mqtt_topic_is_valid(a->value))
            return false; /* a protocol error, for which the broker hangs up */
        return a->type == ATTR_STRING && a->value.len <= LONGEST_FIELD && text_is_mqtt(a->value);
    case FORM_BYTES:
        return a->value.len <= LONGEST_FIELD;
    case FORM_BYTE:
        return json_int(a->value, &number) && (number == 0 || number == 1);
    case FORM_NUMBER:
        return json_int(a->value, &number) && number >= 0 && number <= UINT32_MAX;
    }
    return false;
}

static bool becomes_own(const struct msg *m, struct bytes name)
{
    if (!bytes_starts_with(name, BYTES_LIT("mqtt."))) return false;
    if (bytes_eq(name, bytes_str(retain_name))) return true;
    const struct own *own = own_of(name);
    return own && fits(own, msg_attr(m, name));
}

static MQTTProperty *add(struct mqtt_properties *p, enum MQTTPropertyCodes code)
{
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->items = mem_realloc(p->items, p->cap * sizeof(p->items[0]));
    }
    MQTTProperty *item = &p->items[p->count++];
    memset(item, 0, sizeof(*item));
    item->identifier = code;
    p->length += 1;
    return item;
}

/* The pointer is an offset until point_into_bytes(). */
static MQTTLenString keep(struct mqtt_properties *p, struct bytes text)
{
    size_t at = p->bytes.len;
    buf_add(&p->bytes, text.ptr, text.len);
    p->length += 2 + text.len;
    return (MQTTLenString){.len = (int)text.len, .data = (char *)(uintptr_t)at};
}

static void point_into_bytes(struct mqtt_properties *p)
{
    for (size_t i = 0; i < p->count; i++) {
        MQTTProperty *item = &p->items[i];
        int type = MQTTProperty_getType(item->identifier);
        if (type < MQTTPROPERTY_TYPE_BINARY_DATA) continue; /* numbers */
        item->value.data.data = p->bytes.ptr + (uintptr_t)item->value.data.data;
        if (type == MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR)
            item->value.value.data = p->bytes.ptr + (uintptr_t)item->value.value.data;
    }
}

static void build_own(struct mqtt_properties *p, const struct own *own, struct bytes value)
{
    MQTTProperty *item = add(p, own->code);
    int64_t number = 0;
    switch (own->form) {
    case FORM_TEXT:
    case FORM_BYTES:
        item->value.data = keep(p, value);
        break;
    case FORM_BYTE:
        if (json_int(value, &number)) item->value.byte = (unsigned char)number;
        p->length += 1;
        break;
    case FORM_NUMBER:
        if (json_int(value, &number)) item->value.integer4 = (unsigned)number;
        p->length += 4;
        break;
    }
}

struct building {
    struct mqtt_properties *properties;
    const struct msg *msg;
    bool unfit;
};

/* "sqsbridge.type.mqtt.x" -> "mqtt.x": the companion goes where its attribute goes. */
static struct bytes of_companion(struct bytes name)
{
    struct bytes prefix = BYTES_LIT("sqsbridge.type.");
    if (!bytes_starts_with(name, prefix)) return name;
    return bytes_of((const char *)name.ptr + prefix.len, name.len - prefix.len);
}

static void build_user(void *arg, struct bytes name, struct bytes value)
{
    struct building *b = arg;
    if (becomes_own(b->msg, of_companion(name))) return;
    bool text = text_is_mqtt(name) && text_is_mqtt(value);
    if (!text || name.len > LONGEST_FIELD || value.len > LONGEST_FIELD) {
        b->unfit = true;
        return;
    }
    MQTTProperty *item = add(b->properties, MQTTPROPERTY_CODE_USER_PROPERTY);
    MQTTLenString key = keep(b->properties, name);
    item->value.value = keep(b->properties, value);
    item->value.data = key;
}

static void build_own_all(struct mqtt_properties *p, const struct msg *m, int64_t expiry_s)
{
    for (size_t i = 0; i < OWN_COUNT; i++) {
        const struct own *own = &own_properties[i];
        bool expiry = own->code == MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL;
        const struct attr *a = msg_attr(m, bytes_str(own->name));
        if (expiry && expiry_s) {
            add(p, own->code)->value.integer4 = (unsigned)expiry_s;
            p->length += 4;
        } else if (a && fits(own, a)) {
            build_own(p, own, a->value);
        }
    }
}

bool mqtt_properties_build(struct mqtt_properties *p, const struct msg *m, int64_t expiry_s)
{
    struct building b = {.properties = p, .msg = m};
    p->count = p->length = p->bytes.len = 0;
    buf_reserve(&p->bytes, 1); /* there is something to point to */
    if (m->attr_count || expiry_s) build_own_all(p, m, expiry_s);
    if (m->attr_count) mapping_headers(m, MAPPING_TEXT, build_user, &b);
    point_into_bytes(p);
    return !b.unfit;
}

void mqtt_properties_add_alias(struct mqtt_properties *p, unsigned alias)
{
    add(p, MQTTPROPERTY_CODE_TOPIC_ALIAS)->value.integer2 = (unsigned short)alias;
    p->length += 2;
}

void mqtt_properties_free(struct mqtt_properties *p)
{
    free(p->items);
    free(p->bytes.ptr);
}

bool mqtt_properties_retained(const struct msg *m)
{
    const struct attr *a = m->attr_count ? msg_attr(m, bytes_str(retain_name)) : NULL;
    return a && bytes_eq(a->value, BYTES_LIT("true"));
}
