/* What the three batch actions share: the checks of the whole request, then entry by entry. */
#ifndef SIM_BATCH_H
#define SIM_BATCH_H

#include "tests/sim/args.h"
#include "tests/sim/call.h"

enum {
    BATCH_MAX = 10,
    BATCH_MAX_BYTES = 1048576,
};

struct batch {
    const char *entry_type; /* as the model calls it, for a message */
    /* Handles one entry: appends the members of its result after the Id, or says what is wrong with
     * it. */
    bool (*entry)(struct call *c, const json_t *entry, struct buf *out, struct api_error *e);
    size_t (*size)(const json_t *entry); /* what counts towards BATCH_MAX_BYTES; NULL: nothing */
};

bool batch_run(struct call *c, const struct batch *b, struct api_error *e);

#endif
