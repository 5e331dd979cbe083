/* One AWS account in one region: its queues, its clock, and the dials of the simulator. */
#ifndef SIM_ACCOUNT_H
#define SIM_ACCOUNT_H

#include "tests/sim/api_error.h"
#include "tests/sim/chance.h"
#include "tests/sim/clock.h"
#include "tests/sim/list.h"
#include "tests/sim/table.h"

#define ACCOUNT_ID "123456789012"

struct queue;

struct account {
    struct table queues; /* by name */
    struct link deleted; /* names that may not be used again for a minute */
    struct clock clock;
    struct chance chance;
    const char *region;
    bool shuffle;           /* standard queues out of order, short polls that miss */
    double duplicate;       /* how often a standard message is delivered once more */
    unsigned max_in_flight; /* per queue */
    uint64_t last_uid, last_sequence;
    uint64_t sent, received, deleted_messages;
};

void account_init(struct account *a, const char *region, uint64_t seed);
void account_free(struct account *a);
/* Forgets every queue and every deleted name; the settings stay. */
void account_clear(struct account *a);

struct queue *account_find(const struct account *a, struct text name);
struct queue *account_find_arn(const struct account *a, struct text arn);
struct queue *account_add(struct account *a, struct text name);
void account_delete(struct account *a, struct queue *q);
/* May a queue of this name be made now? */
bool account_name_free(struct account *a, struct text name, struct api_error *e);
/* All queues, sorted by name. The caller frees the array. */
struct queue **account_sorted(const struct account *a, size_t *n);

#endif
