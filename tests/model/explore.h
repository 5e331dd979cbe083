/* Every order of events of a small world, each state once; from each the fair end is tried, too.
 * The core can't be copied, so each state is reached by running the events that lead to it. */
#ifndef TESTS_MODEL_EXPLORE_H
#define TESTS_MODEL_EXPLORE_H

#include "tests/model/world.h"

struct explored {
    size_t states, events, deepest;
};

/* most: states; 0: any number. */
struct explored explore(const struct model_conf *conf, size_t most);

#endif
