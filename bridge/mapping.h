/* The canonical message in the spelling of each transport: this is the place for every mapping
 * rule.
 *
 * Attributes are SQS message attributes, Kafka headers and MQTT user properties. SQS names the type
 * itself; the other two carry it in a companion `sqsbridge.type.<name>` = "Number.int", "Binary",
 * "Binary.png;base64", only where it is not a plain String. Thread: any; no state but the caller's
 * scratch. */
#ifndef BRIDGE_MAPPING_H
#define BRIDGE_MAPPING_H

#include "bridge/error.h"
#include "bridge/json.h"
#include "bridge/msg.h"

/* One header on its way out. The views hold during the call. */
typedef void mapping_header_fn(
    void *arg, struct bytes name,
    struct bytes value); /* a function type: there is no struct to name */

enum mapping_values {
    MAPPING_RAW,  /* values may be any bytes: Kafka headers */
    MAPPING_TEXT, /* values are text_is_mqtt(), others go as base64: MQTT user properties */
};

/* Calls emit for each attribute, its companion right after it where it has one. */
void mapping_headers(const struct msg *m, enum mapping_values values, mapping_header_fn *emit,
                     void *arg);

/* The way back: headers as received in attrs (type String for UTF-8 values, else Binary) get their
 * types from their companions, which disappear. Works in place; returns the new count. Decoded
 * base64 goes to scratch, which must outlive attrs. A companion that makes no sense is left as the
 * plain header it is. */
size_t mapping_fold_headers(struct attr *attrs, size_t count, struct buf *scratch);

enum { MAPPING_SQS_ATTRS = 10 };

/* What SQS will carry: at most ten attributes and a body of allowed characters. */
struct mapping_sqs {
    struct bytes body;
    struct attr attrs[MAPPING_SQS_ATTRS];
    size_t attr_count,
        size; /* size as SQS counts it: body, and name + type + value of each attribute */
};

/* Fits the message into SQS's rules and loses nothing. A body that SQS can't carry goes in another
 * form, named by the marker attribute sqsbridge.encoding: "base64"; "empty" and "none" (a
 * tombstone) with the body "-". Attributes that don't fit (beyond ten, names that are illegal or
 * repeat, empty values, characters) go as JSON in the one attribute sqsbridge.attributes:
 * [["name","Number.int","42"],...]. The views point into m and scratch, which is appended to.
 * FAULT_REJECT where it is larger than max_size all the same. */
bool mapping_to_sqs(const struct msg *m, size_t max_size, struct mapping_sqs *out,
                    struct buf *scratch, struct error *e) MUST_USE;

/* The way back, on a draft: undoes the marker and unpacks the packed attributes, behind the others,
 * so that those of one name keep their order. attrs has room for MSG_MAX_ATTRS. */
void mapping_from_sqs(struct msg_draft *draft, struct attr *attrs, struct buf *scratch);

/* One attribute as JSON, lossless: ["name","Number.int","42"]. The reader stands behind the opening
 * bracket; what is base64 goes to scratch, which must not move. False: not of our making. */
void mapping_pack_attr(struct json_writer *w, const struct attr *a);
bool mapping_unpack_attr(struct json_reader *r, struct attr *a, struct buf *scratch) MUST_USE;

/* "String", "Number.int" and back. Writes at most size bytes, no NUL, and returns how many. False:
 * SQS knows no such type. */
size_t mapping_type_write(const struct attr *a, char *text, size_t size);
bool mapping_type_read(struct bytes text, struct attr *a) MUST_USE;

#endif
