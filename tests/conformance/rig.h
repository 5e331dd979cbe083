/* A rig: how the suite gives a connector a far end, puts messages into it and sees what arrived,
 * without the connector's help. One rig_<connector>.c defines `rigs`, one record for each kind of
 * far end (a queue with order and one without are two). See README.md.
 *
 * Every call is made by the test's thread, returns when it is done, and fails the check where it
 * can't be. What can't be had of a far end (a file that refuses connections) is NULL;
 * CMakeLists.txt then leaves out the checks that need it. Owner: open() makes it, close() frees it.
 */
#ifndef TESTS_CONFORMANCE_RIG_H
#define TESTS_CONFORMANCE_RIG_H

#include "tests/conformance/parcel.h"

struct rig;

struct rig_ops {
    const char *name;
    unsigned source_traits, sink_traits; /* enum parcel_trait: what can be told from outside */

    /* The far end is up, and empty. folder: for its files; removed with all that is in it. */
    struct rig *(*open)(const char *folder);
    void (*close)(struct rig *r);

    /* Away: connections break, new ones are refused; it loses nothing that it had accepted. */
    void (*down)(struct rig *r);
    void (*up)(struct rig *r);

    /* It is there, but does not answer. */
    void (*stall)(struct rig *r);
    void (*resume)(struct rig *r);

    /* For the connector's source: its options as in a configuration file, with type. */
    void (*source)(struct rig *r, struct buf *options);
    void (*put)(struct rig *r, const struct parcels *parcels, size_t from, size_t n);
    size_t (*acked)(struct rig *r); /* of what was put: acknowledged, by the far end's own count */
    bool acks_in_order; /* what is confirmed behind an unconfirmed message may come again */

    /* For the connector's sink. */
    void (*sink)(struct rig *r, struct buf *options);
    const struct parcels *(*arrived)(struct rig *r); /* so far; borrowed until the next call */
};

/* The first member of each rig's own struct; the suite sets ops after open(). */
struct rig {
    const struct rig_ops *ops;
};

extern const struct rig_ops *const rigs[]; /* NULL at the end */

#endif
