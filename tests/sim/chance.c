#include "tests/sim/chance.h"

#include "tests/sim/text.h"

#include <string.h>

uint64_t chance_mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
    value = (value ^ value >> 27) * 0x94d049bb133111ebull;
    return value ^ value >> 31;
}

uint64_t chance_next(struct chance *c)
{
    c->state += 0x9e3779b97f4a7c15ull;
    return chance_mix(c->state);
}

bool chance_hit(struct chance *c, double probability)
{
    return probability > 0 && (double)(chance_next(c) >> 11) * 0x1p-53 < probability;
}

void chance_uuid(struct chance *c, char out[37])
{
    uint64_t words[2] = {chance_next(c), chance_next(c)};
    unsigned char bytes[16];
    char hex[33];
    memcpy(bytes, words, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    text_to_hex(bytes, sizeof(bytes), hex);
    static const int cuts[] = {0, 8, 12, 16, 20, 32};
    for (int i = 0, at = 0; i < 5; i++) {
        memcpy(out + at, hex + cuts[i], (size_t)(cuts[i + 1] - cuts[i]));
        at += cuts[i + 1] - cuts[i];
        out[at++] = i < 4 ? '-' : 0;
    }
}
