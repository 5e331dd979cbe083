/* The thread that writes: it takes one round at a time, so that the next one gathers while a commit
 * waits for the disk. Thread: the loop's, for every call here. Owner: the store. */
#ifndef BRIDGE_STORE_WRITER_H
#define BRIDGE_STORE_WRITER_H

#include "bridge/store_disk.h"

struct store_writer;

/* Takes the disk: it is the thread's until store_writer_stop(), which closes it. */
struct store_writer *store_writer_start(struct store_disk *disk, struct loop *loop);

/* r->post.run() follows on the loop. One at a time. */
void store_writer_run(struct store_writer *w, struct store_round *r);

void store_writer_stop(struct store_writer *w); /* no round is under way; NULL is fine */

#endif
