/* A short fuzz run that is the same every time: texts that exercise everything, damaged at random
 * places, given to the oracle. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/json_oracle.h"

enum { ROUNDS = 200000, LONGEST = 512 };

static const char *const seeds[] = {
    "{\"Messages\":[{\"Body\":\"{\\\"t\\\":21.5}\",\"MessageId\":\"0f9b1f8e\",\"Attributes\":{"
    "\"SentTimestamp\":\"1790000000000\"},\"MessageAttributes\":{\"n\":{\"DataType\":\"Number\"}}}]"
    "}",
    "[1,-0,0.5,-1.25e+10,1E-3,9223372036854775807,-9223372036854775808,12345678901234567890]",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\u0000\"",
    "\"plain text of more than sixteen bytes \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 and on\"",
    " { \"a\" : [ true , false , null , { } , [ ] ] , \"b\" : { \"c\" : { \"d\" : \"e\" } } } ",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
    "]]"
    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    "{\"\":\"\",\"k\\n\":0}",
};
enum { SEEDS = sizeof(seeds) / sizeof(seeds[0]) };

/* What tends to matter to a JSON reader. */
static const char *const pieces[] = {
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "null",
    "true",
    "1e5",
    "-",
    "0",
    ".",
    "\x80",
    "\xED\xA0\x80",
    "\xC3\xA9",
    "\xF4\x8F\xBF\xBF",
    "\n",
    "\x1F",
    "\x7F",
    " ",
};
enum { PIECES = sizeof(pieces) / sizeof(pieces[0]) };

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
    if (len - cut + add > LONGEST) return len;
    memmove(text + at + add, text + at + cut, len - at - cut);
    memcpy(text + at, with, add);
    return len - cut + add;
}

static size_t mutate(char *text, size_t len)
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
        return replace(text, len, at, chance(2), pieces[chance(PIECES)]);
    }
}

int main(void)
{
    unsigned taken = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char text[LONGEST];
        const char *seed = seeds[chance(SEEDS)];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        for (size_t n = chance(4); n > 0; n--)
            len = mutate(text, len);
        taken += json_oracle_check(text, len);
    }
    printf("%d texts, %u of them JSON\n", ROUNDS, taken);
    return taken > ROUNDS / 10 && taken < ROUNDS ? EXIT_SUCCESS : EXIT_FAILURE;
}
