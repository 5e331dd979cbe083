/* A short fuzz run of the canonical form: what is kept in the corpus, then requests that are
 * damaged. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/canonical_oracle.h"
#include "tests/fuzz/mutate.h"

enum { ROUNDS = 100000 };

static const char *const seeds[] = {
    "-\n/\n\nHost:sqs.eu-west-1.amazonaws.com\nContent-Type:application/x-amz-json-1.0",
    "-\n/a/./b/../c//d%20e/\nb=2&a=1&a&a=&c=%7e+%2f\nX-A:  many   words \nx-a:more\nB:",
    "-\n/../..//x/...\n&&=&=x&%zz=%4\n",
    "raw\n/a//b/../c%20d\nArn=arn:aws:iam::1:role/x&Action=Y\nx-amz-target:Z\nX-AMZ-Target: z ",
    "-\nno/slash/at/the/start\nq\n:\n:value\nname\nX-Amz-Date: another",
};
enum { SEEDS = sizeof(seeds) / sizeof(seeds[0]) };

static const char *const pieces[] = {
    "/", "//", "/.", "/..", "/../", "&", "&&",   "=", "==", "%", "%2",  "%2F",
    "+", " ",  "  ", "\t",  "\n",   ":", "\xC3", "é", "~",  "A", "x-a", ",",
};
enum { PIECES = sizeof(pieces) / sizeof(pieces[0]) };

int main(int argc, char **argv)
{
    const struct mutate_plan plan = {seeds, SEEDS, pieces, PIECES, ROUNDS, canonical_oracle_check};
    unsigned kept = argc > 1 ? mutate_corpus(argv[1], canonical_oracle_check) : 0;
    printf("%u kept requests, %u damaged ones\n", kept, mutate_run(&plan));
    return kept ? EXIT_SUCCESS : EXIT_FAILURE;
}
