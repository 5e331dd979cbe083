/* Attributes as headers (Kafka) and user properties (MQTT), for rigs: written anew from
 * bridge/mapping.h's description, so that both can't be wrong in the same way. Thread: the test's.
 */
#ifndef TESTS_CONFORMANCE_HEADERS_H
#define TESTS_CONFORMANCE_HEADERS_H

#include "bridge/msg.h"

struct header {
    struct bytes name, value;
};

enum { HEADERS_MAX = 32 };

/* The views point into m and keep. text_only: binary values go as base64. Returns the count. */
size_t headers_write(const struct msg *m, bool text_only, struct header *headers, struct buf *keep);

/* And back; attrs has room for as many. */
size_t headers_read(const struct header *headers, size_t n, struct attr *attrs, struct buf *keep);

#endif
