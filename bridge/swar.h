/* Eight bytes at a time in a plain register, for the scanners of json and text. A mask has the top
 * bit set in each byte that matched; above the first match it may hold false ones (a borrow runs
 * upwards), so only the first counts. Thread: any; no state. */
#ifndef BRIDGE_SWAR_H
#define BRIDGE_SWAR_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SWAR_ONES 0x0101010101010101u
#define SWAR_TOPS 0x8080808080808080u

/* The first byte in memory is the lowest. */
static inline uint64_t swar_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

static inline void swar_store(char *at, uint64_t word)
{
    word = htole64(word);
    memcpy(at, &word, sizeof(word));
}

/* These two flag ASCII bytes reliably; what they say of bytes >= 0x80 is to be masked by the
 * caller. */
static inline uint64_t swar_below_space(uint64_t word)
{
    return word - SWAR_ONES * 0x20;
}

static inline uint64_t swar_equal(uint64_t word, unsigned char ascii)
{
    return (word ^ SWAR_ONES * ascii) - SWAR_ONES;
}

/* How many bytes come before the first match; the mask is not 0. */
static inline size_t swar_first(uint64_t mask)
{
    return (size_t)__builtin_ctzll(mask) / 8;
}

#endif
