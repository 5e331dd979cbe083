/* test_model [--large]: the core's rules, in every order of events, for small sizes. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/model/explore.h"

static const struct model_conf small[] = {
    {.name = "no order", .lanes = "---", .window = 2, .sinks = 1, .faults = 1, .may_stop = true},
    {.name = "stream",
     .lanes = "aab",
     .window = 3,
     .sinks = 1,
     .order = {ORDER_STREAM},
     .faults = 1,
     .may_stop = true},
    {.name = "stream, little room",
     .lanes = "aaa",
     .window = 3,
     .sinks = 1,
     .room = 1,
     .order = {ORDER_STREAM},
     .faults = 2},
    {.name = "batches",
     .lanes = "aab",
     .window = 3,
     .sinks = 1,
     .order = {ORDER_BATCH},
     .faults = 1,
     .may_stop = true},
    {.name = "order required of a queue without",
     .lanes = "aab",
     .window = 2,
     .lane_share = 2,
     .sinks = 1,
     .require_order = true,
     .faults = 2},
    {.name = "two sinks",
     .lanes = "a-",
     .window = 2,
     .sinks = 2,
     .order = {ORDER_STREAM, ORDER_NONE},
     .faults = 1},
    {.name = "dead letters",
     .lanes = "aa",
     .window = 2,
     .sinks = 1,
     .order = {ORDER_STREAM},
     .dead_letter = true,
     .faults = 2,
     .may_stop = true},
    {.name = "confirmed from within",
     .lanes = "aaa",
     .window = 2,
     .sinks = 1,
     .room = 1,
     .order = {ORDER_BATCH},
     .instant = true,
     .faults = 1,
     .may_stop = true},
};

static const struct model_conf large[] = {
    {.name = "no order", .lanes = "---", .window = 2, .sinks = 1, .faults = 3, .may_stop = true},
    {.name = "stream",
     .lanes = "aaab",
     .window = 3,
     .sinks = 1,
     .order = {ORDER_STREAM},
     .faults = 2,
     .may_stop = true},
    {.name = "batches",
     .lanes = "aaab",
     .window = 3,
     .sinks = 1,
     .order = {ORDER_BATCH},
     .room = 2,
     .faults = 2,
     .may_stop = true},
    {.name = "order required of a queue without",
     .lanes = "aabb",
     .window = 3,
     .lane_share = 2,
     .sinks = 1,
     .require_order = true,
     .faults = 3},
    {.name = "two sinks",
     .lanes = "aa-",
     .window = 2,
     .sinks = 2,
     .order = {ORDER_STREAM, ORDER_NONE},
     .faults = 2,
     .may_stop = true},
    {.name = "two sinks and dead letters",
     .lanes = "aa",
     .window = 2,
     .sinks = 2,
     .order = {ORDER_STREAM, ORDER_BATCH},
     .dead_letter = true,
     .faults = 2},
    {.name = "dead letters",
     .lanes = "aab",
     .window = 2,
     .sinks = 1,
     .order = {ORDER_BATCH},
     .dead_letter = true,
     .faults = 3,
     .may_stop = true},
};

static void run(const struct model_conf *conf)
{
    clock_t began = clock();
    struct explored e = explore(conf, 0);
    printf("%-36s %8zu states, %9zu events, at most %3zu deep, %6.1f s\n", conf->name, e.states,
           e.events, e.deepest, (double)(clock() - began) / CLOCKS_PER_SEC);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bool all = argc == 2 && strcmp(argv[1], "--large") == 0;
    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
        run(&small[i]);
    for (size_t i = 0; all && i < sizeof(large) / sizeof(large[0]); i++)
        run(&large[i]);
    return 0;
}
