/* The checks, each a function that returns where the connector passed. */
#ifndef TESTS_CONFORMANCE_CHECKS_H
#define TESTS_CONFORMANCE_CHECKS_H

#include "tests/conformance/rig.h"

struct check {
    const char *name;
    void (*run)(struct rig *rig);
};

extern const struct check source_checks[], sink_checks[]; /* name NULL at the end */

#endif
