/* Short fuzz runs that are the same every time: texts that exercise everything, damaged at random
 * places. Thread: one run at a time. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stdbool.h>
#include <stddef.h>

enum { MUTATE_LONGEST = 512 };

struct mutate_plan {
    const char *const *seeds;
    size_t seed_count;
    const char *const *pieces; /* what tends to matter to the reader */
    size_t piece_count;
    unsigned rounds;
    bool (*check)(const char *text, size_t len);
};

/* How many texts the check took. */
unsigned mutate_run(const struct mutate_plan *plan);

/* Checks each file of a folder, as the long runs kept them; how many there are. */
unsigned mutate_corpus(const char *folder, bool (*check)(const char *text, size_t len));

#endif
