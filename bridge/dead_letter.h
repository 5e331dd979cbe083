/* A dead letter: the message as it was refused, body and attributes in their places, and one more
 * attribute, `sqsbridge.dead_letter`, that says what became of it and keeps what a transport would
 * leave behind: a JSON object of
 *
 *   reason, pipeline, source, origin (the position there), sink, attempts, first, last (ms since
 *   1970), key, topic, timestamp, lane, run, no_body, attributes
 *
 * One attribute, because SQS has ten places and the message may need nine. Text that SQS would not
 * carry is base64 under the name with "_base64" behind it. "attributes" holds those that can't stay
 * in their places: more than a message may have, and names that mean something to a connector (a
 * letter must not expire, or be retained, because the message in it would). Where there is a place
 * left, the reason stands in `sqsbridge.reason` as well, for filters. Thread: any; the state is the
 * caller's. */
#ifndef BRIDGE_DEAD_LETTER_H
#define BRIDGE_DEAD_LETTER_H

#include <stdbool.h>

#include "bridge/msg.h"

/* Views of what it was read from. */
struct dead_letter {
    struct bytes reason, pipeline, source, origin, sink;
    struct bytes key, topic; /* of the message, ptr NULL: none */
    struct bytes run;        /* the replay that wrote it, ptr NULL: none */
    int64_t attempts, first_ms, last_ms, timestamp_ms, lane;
    bool no_body;            /* it had none: not every transport can tell that from an empty one */
    struct bytes attributes; /* JSON */
};

/* The largest letter that a message of so many bytes (body, key, topic, attributes) can become, in
 * the spelling of any sink: base64, escapes, a key in its place and in the letter. */
int64_t dead_letter_largest(int64_t message_bytes);

/* Writes m with d about it; position: what names the letter. Returns a reference. */
struct msg *dead_letter_write(const struct msg *m, const struct dead_letter *d,
                              struct bytes position);

/* What became of m. False: it is no dead letter. The views point into m and scratch, which is
 * overwritten. */
bool dead_letter_read(const struct msg *m, struct dead_letter *d, struct buf *scratch) MUST_USE;

/* The message as it was refused, from its letter m and what was read of it. Returns a reference. */
struct msg *dead_letter_open(const struct msg *m, const struct dead_letter *d);

#endif
