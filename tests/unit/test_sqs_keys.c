/* The source with keys that come late, are refused, or do not come: from a program, beside a strict
 * simulator that knows who may sign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "connectors/aws/credentials.h"
#include "tests/unit/test_sqs_fixture.h"

enum { COUNT = 100, LONGEST_TURN_US = 250000 };

#define KEYS(id, secret)                                                                           \
    "echo '{\"Version\":1,\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"" secret "\"}'"
#define GOOD_KEYS KEYS("AKIDSIM", "simsecret")

struct run {
    struct sqs_source_conf source;
    struct scripted_sink_conf sink;
    struct credentials_conf section;
    const char *command[6];
    char counted[64]; /* a file with a line for each start of the program */
    uint64_t began_ns, longest_us;
    unsigned for_ms; /* 0: until everything has arrived */
    unsigned starts; /* of the program; for_ms begins with the last of them */
};

/* Each leaves an empty line. */
static bool has_started(const struct run *run)
{
    struct stat st;
    return stat(run->counted, &st) == 0 && st.st_size >= run->starts;
}

static bool is_over(void *arg)
{
    struct run *run = arg;
    if (run->sink.sink) {
        uint64_t turn = loop_longest_turn_us(pipeline_loop(run->sink.sink->pipeline));
        if (turn > run->longest_us) run->longest_us = turn;
    }
    if (!has_started(run)) run->began_ns = uv_hrtime();
    if (run->for_ms) return (uv_hrtime() - run->began_ns) / 1000000 >= run->for_ms;
    return run->sink.confirmed >= COUNT;
}

/* $1 is the number of this start, from 1. */
static void go(void **state, struct run *run, const char *script)
{
    const struct sim *sim = *state;
    char *text =
        mem_printf("echo >> %s; set -- $(wc -l < %s); %s", run->counted, run->counted, script);
    sim_fill(sim->standard, "test", COUNT);
    memcpy(run->command, (const char *[]){"/bin/sh", "-c", text}, 3 * sizeof(char *));
    run->section = (struct credentials_conf){
        .name = "plant", .provider = CREDENTIALS_PROCESS, .command = {run->command, 3}};
    run->source = sim_source(sim->standard);
    run->source.queue.access_key_id = run->source.queue.secret_access_key = NULL;
    run->source.queue.credentials = &run->section;
    struct pipeline_conf conf = sim_from(&run->source, &run->sink);
    run->began_ns = uv_hrtime();
    scripted_run(&conf, is_over, run);
    free(text);
}

static struct run prepare(void)
{
    struct run run = {.counted = "/tmp/sqs-keys-XXXXXX"};
    close(mkstemp(run.counted));
    return run;
}

static unsigned finish(struct run *run)
{
    unsigned lines = 0;
    FILE *file = fopen(run->counted, "r");
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        lines += c == '\n';
    fclose(file);
    unlink(run->counted);
    free(run->sink.order_seen);
    return lines;
}

static void calls_wait_for_keys_and_the_loop_does_not(void **state)
{
    struct run run = prepare();
    go(state, &run, "sleep 1; " GOOD_KEYS);
    assert_true(uv_hrtime() - run.began_ns >= 1000000000);
    assert_int_equal(run.sink.submitted, COUNT);
    assert_true(run.longest_us > 0 && run.longest_us < LONGEST_TURN_US);
    assert_int_equal(finish(&run), 1);
}

static void refused_keys_are_replaced(void **state)
{
    struct run run = prepare();
    go(state, &run, "[ $1 -gt 1 ] && " GOOD_KEYS " || " KEYS("AKIDNOBODY", "x"));
    assert_int_equal(run.sink.submitted, COUNT);
    assert_int_equal(finish(&run), 2);
}

static void no_keys_is_an_outage(void **state)
{
    struct run run = prepare();
    go(state, &run, "[ $1 -gt 2 ] && " GOOD_KEYS " || exit 1");
    assert_int_equal(run.sink.submitted, COUNT);
    assert_int_equal(finish(&run), 3);
}

static void a_pipeline_ends_without_keys(void **state)
{
    struct run run = prepare();
    run.for_ms = 300;
    go(state, &run, "exec sleep 1000");
    assert_true(uv_hrtime() - run.began_ns < 5000000000);
    assert_int_equal(run.sink.submitted, 0);
    finish(&run);
}

static void refused_for_ever_asks_seldom(void **state)
{
    struct run run = prepare();
    run.for_ms = 3000;
    run.starts = 2;
    go(state, &run, KEYS("AKIDNOBODY", "x"));
    assert_int_equal(run.sink.submitted, 0);
    assert_int_equal(finish(&run), 2); /* the next one half a minute later */
}

#define AGAINST_SIM(test) cmocka_unit_test_setup_teardown(test, sim_start, sim_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AGAINST_SIM(calls_wait_for_keys_and_the_loop_does_not),
        AGAINST_SIM(refused_keys_are_replaced),
        AGAINST_SIM(no_keys_is_an_outage),
        AGAINST_SIM(a_pipeline_ends_without_keys),
        AGAINST_SIM(refused_for_ever_asks_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
