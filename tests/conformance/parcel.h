/* Messages as the suite sends and expects them: what was put in at one end is compared, as a set,
 * with what came out at the other. A parcel is a struct msg of the test's own. Thread: one at a
 * time. Owner: the list owns its parcels. */
#ifndef TESTS_CONFORMANCE_PARCEL_H
#define TESTS_CONFORMANCE_PARCEL_H

#include "bridge/msg.h"

/* Zero-initialise. */
struct parcels {
    struct msg **items;
    size_t count, cap;
};

void parcels_add(struct parcels *list, const struct msg_draft *draft); /* copies */
void parcels_add_copy(struct parcels *list, const struct msg *m);
void parcels_release(struct parcels *list);

/* What a transport can carry beside text. */
enum parcel_trait {
    PARCEL_KEY = 1,          /* or something that stands for it: message group, last topic level */
    PARCEL_ATTRIBUTES = 2,   /* with their types */
    PARCEL_NO_BODY = 4,      /* as different from an empty one */
    PARCEL_KEY_IN_TOPIC = 8, /* its last level stands for the key */
};

/* n messages "message 0", "message 1", ... with an attribute; their keys take turns over `lanes`
 * names. */
void parcels_make_plain(struct parcels *list, size_t n, unsigned lanes);

/* Bodies and attributes that something might stumble over. */
void parcels_make_special(struct parcels *list, unsigned traits);

/* Fails the check where something is missing, was never sent, or came more than once; repeats: that
 * many extra copies, of any parcels, are allowed. */
void parcels_expect(const struct parcels *sent, const struct parcels *arrived, unsigned traits,
                    size_t repeats);

/* Whether every one of them is in the list. */
bool parcels_include(const struct parcels *list, const struct parcels *these, unsigned traits);

/* Fails the check where, within one key, a parcel arrives before one that was sent before it;
 * further copies don't count. */
void parcels_expect_order(const struct parcels *sent, const struct parcels *arrived,
                          unsigned traits);

#endif
