/* Receipt handles: opaque to clients, as long as the real ones, and impossible to guess by
 * accident. */
#ifndef SIM_HANDLE_H
#define SIM_HANDLE_H

#include "tests/sim/text.h"

enum {
    HANDLE_TEXT = 344,
};

struct handle {
    uint64_t queue, message; /* uids */
    uint64_t generation;     /* the receive that made it */
};

void handle_write(struct buf *b, const struct handle *h);
bool handle_read(struct text t, struct handle *out); /* false: not a handle of ours */

#endif
