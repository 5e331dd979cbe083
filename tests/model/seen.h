/* A set of the states that were visited, by a hash of 64 bits. */
#ifndef TESTS_MODEL_SEEN_H
#define TESTS_MODEL_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise. */
struct seen {
    uint64_t *slots;
    size_t capacity, count;
};

bool seen_add(struct seen *s, uint64_t hash); /* false: it was there */
void seen_free(struct seen *s);

#endif
