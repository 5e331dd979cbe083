/* One message: immutable bytes and typed attributes in one allocation, shared by reference count.
 * Thread: the pipeline that it belongs to (plain counts, no locks). */
#ifndef BRIDGE_MSG_H
#define BRIDGE_MSG_H

#include <stdint.h>

#include "bridge/bytes.h"
#include "bridge/mem.h"

enum attr_type { ATTR_STRING, ATTR_NUMBER, ATTR_BINARY };

/* subtype: what follows the dot in SQS's "Number.int"; empty: none. Names may repeat (Kafka, MQTT)
 * and keep their order. A String's value is valid UTF-8. */
struct attr {
    struct bytes name, value, subtype;
    enum attr_type type;
};

enum { MSG_MAX_ATTRS = 256 };

/* What a source found, all of it borrowed: msg_new() copies. Zero-initialise; timestamp_ms 0:
 * unknown. */
struct msg_draft {
    struct bytes body;     /* ptr NULL: no body at all (a Kafka tombstone) */
    struct bytes key;      /* Kafka key, SQS message group; ptr NULL: none */
    struct bytes topic;    /* MQTT or Kafka topic, SQS queue name, file name */
    struct bytes position; /* names this message at its source, the same at a redelivery where the
                              source can */
    int64_t timestamp_ms;  /* since 1970, when it was first sent */
    const struct attr *attrs;
    size_t attr_count;
};

struct msg {
    uint32_t refs, attr_count;
    size_t size; /* bytes charged to the window: all of the payload, and this struct */
    int64_t timestamp_ms;
    struct bytes body, key, topic, position;
    struct attr attrs[];
};

struct msg *msg_new(
    const struct msg_draft *draft); /* returns a reference; attr_count <= MSG_MAX_ATTRS */
struct msg *msg_with_attrs(const struct msg *m, const struct attr *attrs,
                           size_t count); /* a copy with these */
struct msg *msg_ref(struct msg *m);
void msg_unref(struct msg *m); /* NULL is fine */

/* The first attribute of that name, or NULL. Borrowed. */
const struct attr *msg_attr(const struct msg *m, struct bytes name);

#endif
