#include "tests/unit/supervised.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_PIPELINES = 4 };

/* ---- what was said ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static char said[32768];
static bool gate_closed;
static atomic_uint stops;

static void say(const char *what, const char *name, int64_t setting)
{
    pthread_mutex_lock(&lock);
    size_t len = strlen(said);
    snprintf(said + len, sizeof(said) - len, "%s%s%d ", what, name, (int)setting);
    pthread_cond_broadcast(&more);
    pthread_mutex_unlock(&lock);
}

void journal_clear(void)
{
    pthread_mutex_lock(&lock);
    said[0] = '\0';
    pthread_mutex_unlock(&lock);
}

unsigned journal_count(const char *words)
{
    unsigned count = 0;
    pthread_mutex_lock(&lock);
    for (const char *at = said; (at = strstr(at, words)); at++)
        count++;
    pthread_mutex_unlock(&lock);
    return count;
}

void journal_wait(const char *words)
{
    struct timespec deadline;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    pthread_mutex_lock(&lock);
    while (!strstr(said, words) && !late)
        late = pthread_cond_timedwait(&more, &lock, &deadline);
    pthread_mutex_unlock(&lock);
    if (late) fail_msg("not within 20 s: %s; said so far: %s", words, said);
}

void journal_expect(const char *exactly)
{
    pthread_mutex_lock(&lock);
    bool equal = strcmp(said, exactly) == 0;
    pthread_mutex_unlock(&lock);
    if (!equal) fail_msg("expected %s; was said: %s", exactly, said);
}

void supervised_gate(bool closed)
{
    pthread_mutex_lock(&lock);
    gate_closed = closed;
    pthread_mutex_unlock(&lock);
}

/* ---- pipelines ---- */

enum deed { RUNS, CANNOT_START, FINISHES, GIVES_UP };

struct end_conf {
    const char *name;
    int64_t setting;
    int deed;
};

struct end {
    struct source source;
    const struct end_conf *conf;
    struct loop_timer look;
};

static const struct opt end_opts[] = {
    {OPT_FIELD(struct end_conf, name), .type = OPT_STRING},
    {OPT_FIELD(struct end_conf, setting), .type = OPT_INT},
    {OPT_FIELD(struct end_conf, deed), .type = OPT_ENUM},
    OPT_END,
};

static struct source_promise promise(const void *conf)
{
    (void)conf;
    return (struct source_promise){.at_least_once = true};
}

static struct sink_promise sink_promise(const void *conf)
{
    (void)conf;
    return (struct sink_promise){.confirmed = true};
}

static void describe(const void *conf, char *text, size_t size)
{
    (void)conf;
    snprintf(text, size, "nothing");
}

static void close_when_open(void *arg)
{
    struct end *end = arg;
    pthread_mutex_lock(&lock);
    bool wait = gate_closed;
    pthread_mutex_unlock(&lock);
    if (wait) {
        loop_timer_start(pipeline_loop(end->source.pipeline), &end->look, 1);
        return;
    }
    say("-", end->conf->name, end->conf->setting);
    pipeline_source_closed(&end->source);
}

static struct source *create(const void *conf, struct pipeline *p, struct error *e)
{
    (void)p;
    (void)e;
    struct end *end = mem_zalloc(sizeof(*end));
    end->conf = conf;
    end->look = (struct loop_timer){.run = close_when_open, .arg = end};
    return &end->source;
}

static bool start(struct source *s, struct error *e)
{
    const struct end_conf *conf = ((struct end *)s)->conf;
    if (conf->deed == CANNOT_START) return error_set(e, FAULT_CONFIG, "as the test says");
    say("+", conf->name, conf->setting);
    pipeline_source_state(s, true, NULL);
    if (conf->deed == FINISHES) pipeline_source_finished(s);
    error_set(e, FAULT_CONFIG, "as the test says");
    if (conf->deed == GIVES_UP) pipeline_source_failed(s, e);
    return true;
}

static void room(struct source *s)
{
    (void)s;
}

static void stop(struct source *s)
{
    (void)s;
    atomic_fetch_add(&stops, 1);
}

unsigned supervised_stops(void)
{
    return atomic_load(&stops);
}

static void settle(struct source *s, struct receipt *const *receipts, size_t n)
{
    pipeline_acknowledged(s->pipeline, receipts, n);
}

static void destroy(struct source *s)
{
    free(s);
}

static void close_source(struct source *s)
{
    close_when_open(s);
}

static struct sink *create_sink(const void *conf, struct pipeline *p, struct error *e)
{
    (void)conf;
    (void)p;
    (void)e;
    return mem_zalloc(sizeof(struct sink));
}

static bool start_sink(struct sink *s, struct error *e)
{
    (void)e;
    pipeline_sink_state(s, SINK_UP, NULL);
    return true;
}

static size_t submit(struct sink *s, struct leg *const *legs, size_t n)
{
    (void)s;
    (void)legs;
    return n;
}

static void destroy_sink(struct sink *s)
{
    free(s);
}

static const struct source_ops source_ops = {.opts = end_opts,
                                             .promise = promise,
                                             .describe = describe,
                                             .create = create,
                                             .start = start,
                                             .room = room,
                                             .settle = settle,
                                             .stop = stop,
                                             .close = close_source,
                                             .destroy = destroy};
static const struct sink_ops sink_ops = {.opts = end_opts + 3,
                                         .promise = sink_promise,
                                         .describe = describe,
                                         .create = create_sink,
                                         .start = start_sink,
                                         .submit = submit,
                                         .max_batch = 1,
                                         .close = pipeline_sink_closed,
                                         .destroy = destroy_sink};
static const struct connector nothing = {"nothing", "", &source_ops, &sink_ops, NULL};

/* ---- plans ---- */

struct made {
    struct plan plan;
    int number;
    struct pipeline_conf pipelines[MOST_PIPELINES];
    struct end_conf ends[MOST_PIPELINES];
    char names[MOST_PIPELINES][2];
};

static enum deed deed_of(char mark)
{
    return mark == '!' ? CANNOT_START : mark == '.' ? FINISHES : mark == '~' ? GIVES_UP : RUNS;
}

static void add_pipeline(struct made *m, const char *text)
{
    size_t i = m->plan.count++;
    m->names[i][0] = text[0];
    m->ends[i] = (struct end_conf){m->names[i], text[1] - '0', (int)deed_of(text[2])};
    m->pipelines[i] = (struct pipeline_conf){
        .name = m->names[i],
        .source = {&nothing, &m->ends[i]},
        .sinks = {{&nothing, &m->ends[i]}},
        .sink_count = 1,
        .max_in_flight = 1,
        .max_in_flight_bytes = 1024,
        .drain_timeout = 1000,
        .workers = 1,
    };
}

struct plan *supervised_plan(const char *text, int number)
{
    struct made *m = mem_zalloc(sizeof(*m));
    m->number = number;
    m->plan.pipelines = m->pipelines;
    m->plan.log_level = LOG_ERROR;
    if (*text == '/') m->plan.stats_file = "/nowhere/at/all";
    for (text += *text == '/'; *text; text += strcspn(text, " "), text += strspn(text, " "))
        add_pipeline(m, text);
    return &m->plan;
}

void supervised_release(struct plan *plan)
{
    struct made *m = (struct made *)plan;
    say("free", "", m->number);
    free(m);
}
