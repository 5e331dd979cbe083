/* The options of a pipeline, and what it promises with them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bridge/dead_letter.h"
#include "bridge/pipeline_conf.h"
#include "bridge/store.h"
#include "bridge/transform.h"

#define FIELD(name) OPT_FIELD(struct pipeline_conf, name)

static const char *const guarantees[] = {"at-least-once", "ordered", NULL};
static const char *const store_modes[] = {
    [STORE_OFF] = "off", [STORE_OVERFLOW] = "overflow", [STORE_ALWAYS] = "always", NULL};
static const char *const store_fulls[] = {[STORE_BLOCK] = "block",
                                          [STORE_REJECT] = "reject",
                                          [STORE_DROP_OLDEST] = "drop_oldest",
                                          [STORE_DROP_NEWEST] = "drop_newest",
                                          NULL};
static const char *const rejects[] = {
    [ON_REJECT_HOLD] = "hold", [ON_REJECT_DROP] = "drop", [ON_REJECT_RELEASE] = "release", NULL};

const struct opt pipeline_opts[] = {
    {FIELD(max_in_flight), .type = OPT_INT, .fallback = "1000", .min = 1, .max = 100000,
     .help = "messages received and not yet acknowledged at the source: the window, and the most "
             "that can repeat after a crash"},
    {FIELD(max_in_flight_bytes), .type = OPT_SIZE, .fallback = "64MiB", .min = 1024,
     .max = INT64_C(1) << 40, .help = "the same in bytes: receiving stops when it is reached"},
    {FIELD(max_in_flight_per_lane), .type = OPT_INT, .fallback = "0", .min = 0, .max = 100000,
     .help = "the most of the window that one partition or topic may hold; 0: half of it"},
    {FIELD(max_attempts), .type = OPT_INT, .fallback = "10", .min = 1, .max = 1000000,
     .help = "tries of a message that a sink refuses for now, before it counts as rejected; an "
             "outage of the sink is no try"},
    {FIELD(retry_delay), .type = OPT_DURATION, .fallback = "200ms", .min = 1, .max = 3600000,
     .help = "wait before the second try; it doubles with each further one, with jitter"},
    {FIELD(retry_max_delay), .type = OPT_DURATION, .fallback = "30s", .min = 1, .max = 43200000,
     .help = "the longest wait between two tries"},
    {FIELD(drain_timeout), .type = OPT_DURATION, .fallback = "10s", .min = 0, .max = 3600000,
     .help = "at the end: time for messages in flight to be confirmed and acknowledged"},
    {FIELD(workers), .type = OPT_INT, .fallback = "1", .min = 1, .max = 64,
     .help = "competing copies of this pipeline, each with a thread and a window of its own"},
    {FIELD(require), .type = OPT_LIST, .choices = guarantees,
     .help =
         "guarantees that must hold: \"at-least-once\", \"ordered\"; lint fails where they can't"},
    {FIELD(set_attributes), .type = OPT_LIST,
     .help = "attributes given to each message on its way, as in [\"topic=${topic}\", "
             "\"site=berlin\"]"},
    {FIELD(store), .type = OPT_ENUM, .choices = store_modes, .fallback = "off",
     .help =
         "\"always\": on disk before the source is acknowledged; \"overflow\": on disk only "
         "while the sinks are away for long; half of max_in_flight is then for the source, half "
         "for the sinks"},
    {FIELD(store_path), .type = OPT_STRING,
     .help = "the folder of the store's files, on a local disk; made where there is none"},
    {FIELD(store_max_bytes), .type = OPT_SIZE, .fallback = "1GiB", .min = 1 << 20,
     .max = INT64_C(1) << 43,
     .help =
         "the most that a store's file may hold (a log of 8 MiB and a reserve of 16 MiB come on "
         "top)"},
    {FIELD(store_max_messages), .type = OPT_INT, .fallback = "0", .min = 0, .max = INT64_C(1) << 40,
     .help = "the most messages in the store; 0: any number"},
    {FIELD(store_max_age), .type = OPT_DURATION, .fallback = "0s", .min = 0,
     .max = INT64_C(366) * 86400000,
     .help = "messages that waited longer are dropped and counted; 0s: none are"},
    {FIELD(store_full), .type = OPT_ENUM, .choices = store_fulls, .fallback = "block",
     .help = "a full store: the source waits, or the message goes to the dead-letter sink, or the "
             "oldest or the newest are dropped and counted"},
    {FIELD(store_linger), .type = OPT_DURATION, .fallback = "10ms", .min = 0, .max = 60000,
     .help = "how long a commit waits for company; more is kinder to flash"},
    {FIELD(store_overflow_after), .type = OPT_DURATION, .fallback = "5s", .min = 0, .max = 3600000,
     .help = "with store = \"overflow\": how long the sinks are away before messages go to disk"},
    {FIELD(on_reject), .type = OPT_ENUM, .choices = rejects, .fallback = "hold",
     .help = "a message that a sink refuses for good, without a dead letter or refused there too: "
             "hold it and stop the source, trying slowly; or drop it and count it; or release it: "
             "it goes back to the queue that it came from, and comes again after a delay that "
             "grows from retry_delay to retry_max_delay, until the queue's redrive policy puts it "
             "away"},
    {FIELD(dead_letter_file), .type = OPT_STRING,
     .help = "JSON lines with what dead_letter refuses, or all that is refused where there is no "
             "dead_letter"},
    {FIELD(max_message_bytes), .type = OPT_SIZE, .fallback = "0", .max = INT64_C(1) << 40,
     .help = "the largest message that the source emits, for the proof that dead_letter takes it; "
             "0: as the source says"},
    OPT_END,
};

static bool requires(const struct pipeline_conf *conf, const char *what)
{
    for (size_t i = 0; i < conf->require.count; i++)
        if (strcmp(conf->require.items[i], what) == 0) return true;
    return false;
}

static struct source_promise promise_of_source(const struct pipeline_conf *conf)
{
    return conf->source.connector->source->promise(conf->source.conf);
}

static struct sink_promise promise_of_sink(const struct sink_conf *sink)
{
    return sink->connector->sink->promise(sink->conf);
}

static void add(struct guarantee *g, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct guarantee *g, const char *format, ...)
{
    size_t used = strlen(g->text);
    va_list args;
    va_start(args, format);
    vsnprintf(g->text + used, sizeof(g->text) - used, format, args);
    va_end(args);
}

static void weigh_sink(struct guarantee *g, const struct sink_conf *sink, const char **weak)
{
    struct sink_promise promise = promise_of_sink(sink);
    if (promise.order_but) g->order_but = promise.order_but;
    if (!promise.confirmed) {
        g->at_least_once = false;
        *weak = promise.why;
    }
    if (promise.order == ORDER_NONE && !g->order_required) g->ordered = false;
}

/* What it takes counts as acknowledged, so it must keep it. */
static void weigh_resort(struct guarantee *g, const struct sink_conf *sink, const char **weak)
{
    if (!sink->connector || promise_of_sink(sink).confirmed) return;
    g->at_least_once = false;
    *weak = promise_of_sink(sink).why;
}

static void add_resort(struct guarantee *g, const char *what, const struct sink_conf *sink)
{
    char name[128];
    if (!sink->connector) return;
    sink->connector->sink->describe(sink->conf, name, sizeof(name));
    add(g, "%s%s", what, name);
}

void guarantee_of(const struct pipeline_conf *conf, struct guarantee *g)
{
    struct source_promise source = promise_of_source(conf);
    const char *weak = source.why;
    *g = (struct guarantee){
        .at_least_once = source.at_least_once || conf->store == STORE_ALWAYS,
        .ordered = source.ordered_by != NULL,
        .order_required = requires(conf, "ordered"),
    };
    for (size_t i = 0; i < conf->sink_count; i++)
        weigh_sink(g, &conf->sinks[i], &weak);
    weigh_resort(g, &conf->dead_letter, &weak);
    weigh_resort(g, &conf->last_resort, &weak);
    if (g->at_least_once && !source.at_least_once)
        add(g, "at-least-once from the store on (before: %s)", source.why);
    else if (g->at_least_once)
        add(g, "at-least-once");
    else
        add(g, "at-most-once (%s)", weak);
    if (g->ordered)
        add(g, ", ordered by %s%s%s", source.ordered_by, g->order_but ? ", but " : "",
            g->order_but ? g->order_but : "");
    else
        add(g, ", not ordered");
    add_resort(g, ", dead letter: ", &conf->dead_letter);
    add_resort(g, conf->dead_letter.connector ? ", else " : ", dead letter: ", &conf->last_resort);
    if (conf->on_reject == ON_REJECT_DROP)
        add(g, ", what %s refuses is dropped",
            conf->dead_letter.connector || conf->last_resort.connector ? "that" : "a sink");
    if (conf->on_reject == ON_REJECT_RELEASE && source.takes_back)
        add(g, ", what a sink refuses goes back to %s", source.takes_back);
    if (conf->store != STORE_OFF && conf->part == PART_WHOLE)
        add(g, ", store: %s (%s)", store_modes[conf->store], conf->store_path);
}

static void check_store(const struct pipeline_conf *conf, struct opt_report *r)
{
    if (conf->store == STORE_OFF) {
        if (conf->store_path)
            opt_complain(r, "store_path", "store_path needs store = \"overflow\" or \"always\"");
        return;
    }
    if (!store_is_built_in())
        opt_complain(r, "store", "this build has no store (build with -DSTORE=ON)");
    if (!conf->store_path || !*conf->store_path)
        opt_complain(r, "store", "a store needs store_path, the folder of its files");
    if (conf->max_in_flight < 2)
        opt_complain(r, "max_in_flight",
                     "with a store at least 2: half is for the source, half for the sinks");
    if (conf->store_full == STORE_REJECT && !conf->dead_letter.connector)
        opt_complain(r, "store_full", "\"reject\" needs a dead_letter sink");
}

/* ---- the dead letters ---- */

static bool adds_fields(const struct opt_list *set_attributes)
{
    for (size_t i = 0; i < set_attributes->count; i++)
        if (strchr(set_attributes->items[i], '$')) return true;
    return false;
}

/* 0: not known. */
static int64_t largest_message(const struct pipeline_conf *conf)
{
    if (conf->max_message_bytes) return conf->max_message_bytes;
    return adds_fields(&conf->set_attributes) ? 0 : promise_of_source(conf).max_message_bytes;
}

static void say_size(char *text, size_t size, int64_t bytes)
{
    if (bytes <= 0 || bytes == SINK_TAKES_ALL)
        snprintf(text, size, "any size");
    else if (bytes >= 10240)
        snprintf(text, size, "%lld KiB", (long long)bytes / 1024);
    else
        snprintf(text, size, "%lld bytes", (long long)bytes);
}

/* A letter that is too large for its sink must have somewhere to go. */
static void check_letter_size(const struct pipeline_conf *conf, struct opt_report *r)
{
    static const char cure[] =
        "give the pipeline dead_letter_file = \"/path.jsonl\" for those that "
        "it refuses";
    int64_t takes = promise_of_sink(&conf->dead_letter).max_message_bytes;
    int64_t largest = largest_message(conf);
    char most[32], letter[32], message[32];
    if (takes == SINK_TAKES_ALL || conf->last_resort.connector) return;
    if (conf->on_reject == ON_REJECT_DROP) return;
    if (!takes) {
        opt_complain(r, "dead_letter",
                     "how large a message it takes is known only at its far end: "
                     "%s",
                     cure);
        return;
    }
    if (largest && dead_letter_largest(largest) <= takes) return;
    say_size(most, sizeof(most), takes);
    say_size(letter, sizeof(letter), largest ? dead_letter_largest(largest) : 0);
    say_size(message, sizeof(message), largest);
    opt_complain(r, "dead_letter",
                 "it takes %s at most, and a message of this source (%s) may need %s there, with "
                 "its reason and in another spelling: %s, or say with max_message_bytes that the "
                 "source's messages are smaller",
                 most, message, letter, cure);
}

static void check_dead_letter(const struct pipeline_conf *conf, struct opt_report *r)
{
    if (!conf->dead_letter.connector) return;
    const char *body_only = promise_of_sink(&conf->dead_letter).body_only;
    if (body_only) opt_complain(r, "dead_letter", "a dead letter needs attributes: %s", body_only);
    check_letter_size(conf, r);
}

/* ---- what goes back ---- */

static void check_release(const struct pipeline_conf *conf, struct opt_report *r)
{
    if (conf->on_reject != ON_REJECT_RELEASE) return;
    if (!promise_of_source(conf).takes_back)
        opt_complain(r, "on_reject",
                     "\"release\" gives a message back to a queue, and this source can't take "
                     "any back (give the pipeline a dead_letter sink instead)");
    else if (conf->store != STORE_OFF)
        opt_complain(r, "on_reject",
                     "with a store the source's message is gone before a sink refuses it, so "
                     "\"release\" can't give it back (remove store, or give the pipeline a "
                     "dead_letter sink instead)");
    else if (conf->dead_letter.connector || conf->last_resort.connector)
        opt_complain(r, "on_reject",
                     "\"release\" and a dead letter exclude each other: a message that is refused "
                     "goes to one of them (remove on_reject, or dead_letter and "
                     "dead_letter_file)");
}

void pipeline_check(const struct pipeline_conf *conf, struct opt_report *r)
{
    struct guarantee g;
    guarantee_of(conf, &g);
    if (requires(conf, "at-least-once") && !g.at_least_once)
        opt_complain(r, "require", "at-least-once can't be kept here: it is %s", g.text);
    if (g.order_required && !g.ordered)
        opt_complain(r, "require",
                     "ordered can't be kept: the source has no order (use a FIFO queue, a Kafka "
                     "topic or an MQTT topic as the source, or leave it out)");
    else if (g.order_required && g.order_but)
        opt_complain(r, "require", "ordered can't be kept here: %s", g.order_but);
    struct error e;
    transform_destroy(transform_create(&conf->set_attributes, &e));
    if (e.fault != FAULT_NONE) opt_complain(r, "set_attributes", "%s", e.text);
    check_store(conf, r);
    check_dead_letter(conf, r);
    check_release(conf, r);
    if (conf->max_in_flight_per_lane > conf->max_in_flight)
        opt_complain(r, "max_in_flight_per_lane", "is more than max_in_flight (%lld)",
                     (long long)conf->max_in_flight);
    if (conf->retry_max_delay < conf->retry_delay)
        opt_complain(r, "retry_max_delay", "is less than retry_delay (%lld ms)",
                     (long long)conf->retry_delay);
}
