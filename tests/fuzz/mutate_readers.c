/* A short fuzz run of the readers of AWS's files and answers: what is kept in the corpus, then
 * texts that are damaged. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/mutate.h"
#include "tests/fuzz/readers_oracle.h"

enum { ROUNDS = 200000 };

static const char *const seeds[] = {
    "x<?xml version=\"1.0\"?><a b='c'><d/>&lt;&#65;&#x20AC;<![CDATA[<e>]]><!-- f --></a>",
    "k<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s/+=</SecretAccessKey>"
    "<Token>t</Token><Expiration>2026-11-22T13:00:00Z</Expiration></Credentials></R>",
    "k<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
    "j{\"Version\":1,\"AccessKeyId\":\"AKIA\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
    "\"Expiration\":\"2026-11-22T13:00:00.5+01:00\"}",
    "j{\"credentialSet\":[{\"credentials\":{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"\\u0041\"}}"
    "]}",
    "i# c\n[profile x] ; c\nname = value # c\n  nested = 1\n\n[default]\r\na=b\r\n",
    "w/opt/x 'a b' \"c\\\"d\" e\\ f $HOME",
    "t2026-11-22T13:00:00.123+01:30",
};
enum { SEEDS = sizeof(seeds) / sizeof(seeds[0]) };

static const char *const pieces[] = {
    "<",       ">",         "/>",  "</",   "&",    "&amp;",       "&#x",
    ";",       "<![CDATA[", "]]>", "<!--", "-->",  "<?",          "?>",
    "'",       "\"",        "\\",  "[",    "]",    "=",           "#",
    "\n",      " ",         "\t",  "\r",   "{",    "}",           ",",
    "\\u0000", "Z",         "+",   ".",    "\xC3", "AccessKeyId", "<AccessKeyId>",
    "\x7F",    "<!DOCTYPE",
};
enum { PIECES = sizeof(pieces) / sizeof(pieces[0]) };

int main(int argc, char **argv)
{
    const struct mutate_plan plan = {seeds, SEEDS, pieces, PIECES, ROUNDS, readers_oracle_check};
    unsigned kept = argc > 1 ? mutate_corpus(argv[1], readers_oracle_check) : 0,
             taken = mutate_run(&plan);
    printf("%u kept texts, %u damaged ones, %u of them well-formed\n", kept, ROUNDS, taken);
    return kept && taken > ROUNDS / 10 && taken < ROUNDS ? EXIT_SUCCESS : EXIT_FAILURE;
}
