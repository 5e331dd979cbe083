/* Long polls: receives that wait in their queue for a message or their deadline, the oldest served
 * first. */
#ifndef SIM_POLL_H
#define SIM_POLL_H

#include "tests/sim/call.h"

void poll_start(struct sim *sim);
void poll_add(struct call *c); /* c->poll is filled in */
void poll_remove(struct call *c);
/* Hands out what has become receivable; to be called after anything that may have changed a queue.
 */
void poll_serve(struct sim *sim);
/* Answers the polls of a queue that is going away. */
void poll_fail_all(struct sim *sim, struct queue *q);

/* One attempt to receive; written by action_receive.c. False: nothing there, and nothing answered.
 */
bool receive_try(struct call *c, struct api_error *e, bool *failed);

#endif
