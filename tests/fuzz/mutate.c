#include "tests/fuzz/mutate.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_FILE = 4096 };

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

/* In memory of its very length, so that a look beyond its end is seen. */
static bool check_file(const char *folder, const char *name,
                       bool (*check)(const char *text, size_t len))
{
    char path[1024], text[LONGEST_FILE];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    size_t len = fread(text, 1, sizeof(text), file);
    fclose(file);
    char *copy = malloc(len ? len : 1);
    if (!copy) abort();
    memcpy(copy, text, len);
    check(copy, len);
    free(copy);
    return true;
}

unsigned mutate_corpus(const char *folder, bool (*check)(const char *text, size_t len))
{
    unsigned count = 0;
    const struct dirent *entry;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.') count += check_file(folder, entry->d_name, check);
    if (dir) closedir(dir);
    return count;
}
