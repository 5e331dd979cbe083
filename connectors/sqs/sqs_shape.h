/* Requests and answers as tables of their members: for every action that moves no messages (those
 * are in sqs_wire.h). A struct per request and answer, a table that says which JSON member each
 * field is; one encoder and one decoder read the tables. Thread: any; no state.
 * Owner: what a decoded struct points to is the JSON text it came from, and its lists, which
 * sqs_shape_free() releases. Source: the service model of SQS (2012-11-05, AWS JSON 1.0). */
#ifndef CONNECTORS_SQS_SQS_SHAPE_H
#define CONNECTORS_SQS_SQS_SHAPE_H

#include "bridge/error.h"
#include "connectors/sqs/sqs_wire.h"

/* A number that may be absent. */
struct sqs_number {
    bool given;
    int64_t value;
};

struct sqs_texts {
    struct bytes *items;
    size_t count, cap;
};
void sqs_texts_add(struct sqs_texts *t, struct bytes text);

struct sqs_pairs {
    struct sqs_pair *items;
    size_t count, cap;
};
void sqs_pairs_add(struct sqs_pairs *p, struct bytes name, struct bytes value);
struct bytes sqs_pairs_find(const struct sqs_pairs *p, const char *name); /* ptr NULL: not there */

/* Structs of the shape that the member names. */
struct sqs_structs {
    void *items;
    size_t count, cap;
};

enum sqs_member_kind {
    SQS_TEXT,    /* struct bytes; ptr NULL: absent */
    SQS_NUMBER,  /* struct sqs_number */
    SQS_TEXTS,   /* struct sqs_texts; empty: absent */
    SQS_PAIRS,   /* struct sqs_pairs, likewise: an object whose values are strings */
    SQS_STRUCTS, /* struct sqs_structs, likewise */
};

struct sqs_member {
    const char *name; /* NULL at the end of a table */
    size_t offset;
    enum sqs_member_kind kind;
    bool required; /* of an answer: without it, it is none */
    const struct sqs_shape *of;
};

struct sqs_shape {
    const struct sqs_member *members;
    size_t size;
};

/* Appends one JSON object. */
void sqs_shape_encode(const struct sqs_shape *shape, const void *from, struct buf *out);

/* json is unescaped in place. An empty text is an empty object: so SQS answers what returns
 * nothing. `to` is overwritten; also where it fails it wants sqs_shape_free(). */
bool sqs_shape_decode(const struct sqs_shape *shape, struct bytes json, void *to,
                      struct error *e) MUST_USE;
void sqs_shape_free(const struct sqs_shape *shape, void *decoded); /* its lists, zeroed after */

#endif
