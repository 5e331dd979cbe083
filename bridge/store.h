/* The store of one pipeline worker: messages that were received and are not delivered yet, on disk.
 * It lies between two pipelines on one loop: to the front it is the sink, to the back the source.
 *
 *   source ─> front ─> | store: filling ─> commit ─> ready ─> | ─> back ─> sinks
 *                                            └─> on disk only ─┘
 *
 * always: a leg is confirmed when its commit has returned; its row is deleted when the back's sinks
 * have confirmed it, and until that delete is committed it counts as in flight in the back.
 * overflow: while nothing waits on disk and the sinks are there, a leg stays open until the back's
 * sinks have confirmed it, and nothing is written (direct). Order: rows are read in the order in
 * which they were written, and all that goes to the back goes through one queue.
 *
 * Thread: the loop's, for every call. Owner: the flow. */
#ifndef BRIDGE_STORE_H
#define BRIDGE_STORE_H

#include "bridge/pipeline_conf.h"

struct store;

struct store_setup {
    const struct pipeline_conf *conf; /* of the whole */
    struct loop *loop;
    unsigned worker;
    bool keep; /* what is delivered stays: for export */
    /* It can't go on, and neither can the process: nothing more is confirmed. */
    void (*failed)(void *arg, const struct error *why);
    void *arg;
};

bool store_is_built_in(void); /* -DSTORE=OFF: false */

struct store *store_create(const struct store_setup *setup);
bool store_open(struct store *s, struct error *e) MUST_USE; /* blocks, up to seconds */
/* Both pipelines have closed. Returns how many messages stay. */
int64_t store_close(struct store *s);
void store_destroy(struct store *s);

/* What the two pipelines have instead of a connector of their own. */
struct store_end {
    struct store *store;
    bool dead; /* the front's dead-letter sink: to that of the back */
};
extern const struct connector store_connector;

/* front NULL: there is none, the store only drains. */
void store_join(struct store *s, struct pipeline *front, struct pipeline *back);

void store_hurry(struct store *s);   /* the front is to end: write at once what would wait */
void store_no_more(struct store *s); /* the front has ended: so does the back when all is sent */

#endif
