/* A short fuzz run of our JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/json_oracle.h"
#include "tests/fuzz/mutate.h"

enum { ROUNDS = 200000 };

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

int main(int argc, char **argv)
{
    const struct mutate_plan plan = {seeds, SEEDS, pieces, PIECES, ROUNDS, json_oracle_check};
    unsigned kept = argc > 1 ? mutate_corpus(argv[1], json_oracle_check) : 0;
    unsigned taken = mutate_run(&plan);
    printf("%u kept texts, %d damaged ones, %u of them JSON\n", kept, ROUNDS, taken);
    return kept && taken > ROUNDS / 10 && taken < ROUNDS ? EXIT_SUCCESS : EXIT_FAILURE;
}
