#include "tests/fuzz/mutate.h"

#include <stdint.h>
#include <string.h>

static uint64_t state = 0x9E3779B97F4A7C15u;

static size_t chance(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11) % below;
}

static size_t replace(char *text, size_t len, size_t at, size_t cut, const char *with)
{
    size_t add = strlen(with);
    if (cut > len - at) cut = len - at;
    if (len - cut + add > MUTATE_LONGEST) return len;
    memmove(text + at + add, text + at + cut, len - at - cut);
    memcpy(text + at, with, add);
    return len - cut + add;
}

static size_t mutate(const struct mutate_plan *plan, char *text, size_t len)
{
    size_t at = chance(len + 1);
    char byte[2] = {(char)(1 + chance(255)), 0};
    switch (chance(4)) {
    case 0:
        return replace(text, len, at, 1, byte);
    case 1:
        return replace(text, len, at, 1 + chance(3), "");
    case 2:
        return at; /* cut short */
    default:
        return replace(text, len, at, chance(2), plan->pieces[chance(plan->piece_count)]);
    }
}

unsigned mutate_run(const struct mutate_plan *plan)
{
    unsigned taken = 0;
    for (unsigned round = 0; round < plan->rounds; round++) {
        char text[MUTATE_LONGEST];
        const char *seed = plan->seeds[chance(plan->seed_count)];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        for (size_t n = chance(4); n > 0; n--)
            len = mutate(plan, text, len);
        taken += plan->check(text, len);
    }
    return taken;
}
