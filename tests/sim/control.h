/* The control endpoint, /_sim/...: not signed, for tests only. README.md of this folder lists what
 * it can do. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "tests/sim/sim.h"

void control_handle(struct sim *sim, struct http_exchange *x);

#endif
