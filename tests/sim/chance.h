/* Seeded random numbers (splitmix64), so that a run can be repeated with --seed. */
#ifndef SIM_CHANCE_H
#define SIM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

uint64_t chance_next(struct chance *c);
bool chance_hit(struct chance *c, double probability);
void chance_uuid(struct chance *c, char out[37]);
uint64_t chance_mix(uint64_t value); /* a hash, not a draw */

#endif
