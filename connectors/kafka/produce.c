#include "connectors/kafka/produce.h"

#include <stdlib.h>

#include "bridge/mapping.h"

enum { MAX_PARTS = 8 };

/* librdkafka's arguments of one message. */
struct parts {
    rd_kafka_vu_t list[MAX_PARTS];
    size_t count;
};

static rd_kafka_vu_t *add_part(struct parts *parts, rd_kafka_vtype_t type)
{
    rd_kafka_vu_t *part = &parts->list[parts->count++];
    part->vtype = type;
    return part;
}

/* librdkafka only reads, but its types don't say so. */
static void add_bytes(struct parts *parts, rd_kafka_vtype_t type, struct bytes b)
{
    rd_kafka_vu_t *part = add_part(parts, type);
    part->u.mem.ptr = (void *)(uintptr_t)b.ptr;
    part->u.mem.size = b.len;
}

/* A NUL behind it, for librdkafka, which is not part of the length. */
static bool expand(const struct template *t, const struct msg *m, struct buf *out, struct error *e)
{
    out->len = 0;
    if (!template_expand(t, m, out, e)) return false;
    buf_reserve(out, 1);
    out->ptr[out->len] = '\0';
    return true;
}

static bool add_topic(struct kafka_produce *p, struct parts *parts, rd_kafka_topic_t *constant,
                      const struct msg *m, struct error *e)
{
    if (constant) {
        add_part(parts, RD_KAFKA_VTYPE_RKT)->u.rkt = constant;
        return true;
    }
    if (!expand(p->conf->topic, m, &p->topic, e)) return error_prefix(e, "topic");
    struct bytes name = bytes_of(p->topic.ptr, p->topic.len);
    if (!kafka_topic_is_legal(name))
        return error_set(e, FAULT_REJECT, "topic: \"%.*s\" is no name for a topic",
                         BYTES_ARGS(name));
    add_part(parts, RD_KAFKA_VTYPE_TOPIC)->u.cstr = p->topic.ptr;
    return true;
}

static bool add_key(struct kafka_produce *p, struct parts *parts, const struct msg *m,
                    struct error *e)
{
    struct bytes key = m->key;
    if (p->conf->key) {
        if (!expand(p->conf->key, m, &p->key, e)) return error_prefix(e, "key");
        key = bytes_of(p->key.ptr, p->key.len);
    }
    if (key.ptr) add_bytes(parts, RD_KAFKA_VTYPE_KEY, key);
    return true;
}

static void add_header(void *arg, struct bytes name, struct bytes value)
{
    const void *present = value.ptr ? value.ptr : ""; /* empty, not null */
    rd_kafka_header_add(arg, name.ptr, (ssize_t)name.len, present, (ssize_t)value.len);
}

static rd_kafka_headers_t *headers_of(const struct msg *m)
{
    if (m->attr_count == 0) return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(m->attr_count);
    mapping_headers(m, MAPPING_RAW, add_header, headers);
    return headers;
}

static rd_kafka_resp_err_t send_parts(rd_kafka_t *rk, struct parts *parts, const struct msg *m)
{
    rd_kafka_headers_t *headers = headers_of(m);
    if (headers) add_part(parts, RD_KAFKA_VTYPE_HEADERS)->u.headers = headers;
    rd_kafka_error_t *failed = rd_kafka_produceva(rk, parts->list, parts->count);
    if (!failed) return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(failed);
    rd_kafka_error_destroy(failed);
    if (headers) rd_kafka_headers_destroy(headers); /* taken only where it succeeds */
    return code;
}

bool kafka_produce_leg(struct kafka_produce *p, rd_kafka_t *rk, rd_kafka_topic_t *constant,
                       struct leg *l, rd_kafka_resp_err_t *code, struct error *e)
{
    const struct msg *m = l->msg;
    struct parts parts = {.count = 0};
    *code = RD_KAFKA_RESP_ERR__INVALID_ARG;
    if (!add_topic(p, &parts, constant, m, e) || !add_key(p, &parts, m, e)) return false;
    add_bytes(&parts, RD_KAFKA_VTYPE_VALUE, m->body);
    add_part(&parts, RD_KAFKA_VTYPE_OPAQUE)->u.ptr = l;
    if (m->timestamp_ms > 0) add_part(&parts, RD_KAFKA_VTYPE_TIMESTAMP)->u.i64 = m->timestamp_ms;
    *code = send_parts(rk, &parts, m);
    return *code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void kafka_produce_free(struct kafka_produce *p)
{
    free(p->topic.ptr);
    free(p->key.ptr);
}
