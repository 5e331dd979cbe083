/* One message as one JSON object on one line, without the newline:
 *
 *   {"body": "...", "key": "...", "topic": "...", "timestamp": 1700000000000,
 *    "attributes": {"device": "d1", "n": {"type": "Number.int", "value": "42"}}}
 *
 * Every member may be missing; without "body" the message has none. Text that is not UTF-8 goes as
 * base64 under the name with "_base64" behind it ("body_base64", "value_base64", ...). A plain
 * string is an attribute of type String. Where a name repeats or is not UTF-8, attributes are an
 * array of {"name", "type", "value"}. What is written reads back equal. Thread: any; the state is
 * the caller's. */
#ifndef CONNECTORS_FILE_JSONL_H
#define CONNECTORS_FILE_JSONL_H

#include "bridge/error.h"
#include "bridge/msg.h"

void jsonl_write(const struct msg *m, struct buf *out); /* appends */

/* What draft points to: line, which is unescaped in place, and the rest of this. Zero-initialise;
 * free(scratch.ptr) in the end. */
struct jsonl_room {
    struct attr attrs[MSG_MAX_ATTRS];
    struct buf scratch;
};

/* Sets all of draft but position. False: this is no such line, and why. */
bool jsonl_read(char *line, size_t len, struct msg_draft *draft, struct jsonl_room *room,
                struct error *e) MUST_USE;

#endif
