/* The messages that are hidden for now (delayed or in flight), the first to appear on top: a binary
 * heap. */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include "tests/sim/message.h"

struct schedule {
    struct message **heap;
    size_t count, cap;
};

void schedule_add(struct schedule *s,
                  struct message *m); /* by m->visible_ms, which then must not change */
void schedule_remove(struct schedule *s, struct message *m);
struct message *schedule_first(const struct schedule *s); /* NULL: none */
void schedule_free(struct schedule *s);

#endif
