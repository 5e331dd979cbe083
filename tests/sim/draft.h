/* From the JSON of SendMessage, or of one entry of SendMessageBatch, to a draft that a queue may
 * take. */
#ifndef SIM_DRAFT_H
#define SIM_DRAFT_H

#include "tests/sim/args.h"
#include "tests/sim/queue.h"

/* The draft borrows from `entry`; draft_free() it even after a failure. `in_batch` changes the
 * wording only. */
bool draft_read(struct draft *d, const json_t *entry, const struct queue *q, bool in_batch,
                struct api_error *e);
/* What the entry counts towards the limit of a batch; it need not be valid. */
size_t draft_wire_size(const json_t *entry);

/* Character rules that other actions share. */
bool draft_id_ok(struct text id); /* group, deduplication and attempt ids */
bool draft_check_id(const char *name, struct text id, struct api_error *e);
bool draft_not_for_queue(const char *name, struct text value, struct api_error *e);

#endif
