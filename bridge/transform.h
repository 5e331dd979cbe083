/* What a pipeline does to each message between source and sinks. Today: set_attributes =
 * ["site=berlin", "topic=${topic}"]. Bodies are never touched. Thread: the pipeline's. */
#ifndef BRIDGE_TRANSFORM_H
#define BRIDGE_TRANSFORM_H

#include "bridge/error.h"
#include "bridge/msg.h"
#include "bridge/opt.h"

struct transform;

/* NULL without an error where there is nothing to do; NULL and FAULT_CONFIG for a setting that
 * makes no sense. */
struct transform *transform_create(const struct opt_list *set_attributes, struct error *e);
void transform_destroy(struct transform *t);

/* Takes a reference and returns one; t NULL: the same message. An attribute whose fields the
 * message lacks is left out. */
struct msg *transform_apply(struct transform *t, struct msg *m);

#endif
