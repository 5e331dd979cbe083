/* Faults on command: rules that the control endpoint adds, and that requests of the API meet. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "tests/sim/list.h"
#include "tests/sim/text.h"

#include <jansson.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_STATUS,
    FAULT_THROTTLE,
    FAULT_EXPIRED_TOKEN,
    FAULT_DELAY,
    FAULT_HANG,
    FAULT_CUT_BEFORE,
    FAULT_CUT_AFTER,
    FAULT_CUT_MID,
    FAULT_PARTIAL,
    FAULT_OMIT_BEFORE,
    FAULT_OMIT_AFTER,
    FAULT_PRETEND,
    FAULT_WRONG_MD5,
    FAULT_WRONG_ATTRIBUTE_MD5,
    FAULT_GARBAGE,
    FAULT_HUGE_LENGTH,
    FAULT_DATE_SKEW,
};

/* What happens to one request. The strings belong to the rule: use them before returning to the
 * loop. */
struct fault {
    enum fault_kind kind;
    int status;
    const char *code, *message, *html;
    bool sender_fault;
    uint64_t delay_ms; /* with any kind that answers */
    int64_t date_skew_s;
    size_t from, upto; /* of a batch: it strikes the entries [from, upto) */
};

struct faults {
    struct link rules;
};

void faults_init(struct faults *f);
void faults_clear(struct faults *f);
/* Adds a rule from its JSON; false and a message when it makes no sense. */
bool faults_add(struct faults *f, json_t *spec, char *why, size_t why_size);
/* The fault that the first matching rule still has for this request. */
struct fault faults_next(struct faults *f, struct text action, struct text queue);
void faults_write(const struct faults *f, struct buf *out);

#endif
