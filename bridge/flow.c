#include "bridge/flow.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bridge/log.h"
#include "bridge/store.h"

struct flow {
    const struct pipeline_conf *conf;
    enum flow_kind kind;
    struct loop *loop;
    struct pipeline *front; /* or the one pipeline that there is */
    struct pipeline *back;
    struct store *store;
    struct pipeline_conf front_conf, back_conf;
    struct store_end end, dead_end;
    bool started, front_closed, back_closed, stopping, failed;
    struct error why;
    struct loop_timer half_time; /* the back takes nothing more from disk */
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* ---- the two halves ---- */

static struct pipeline_conf half_of(const struct pipeline_conf *conf, enum pipeline_part part)
{
    struct pipeline_conf half = *conf;
    half.part = part;
    half.whole = conf;
    half.max_in_flight = (conf->max_in_flight + (part == PART_FRONT)) / 2;
    half.max_in_flight_bytes = conf->max_in_flight_bytes / 2;
    half.max_in_flight_per_lane = (conf->max_in_flight_per_lane + 1) / 2;
    half.drain_timeout = conf->drain_timeout / 2;
    return half;
}

static void make_front(struct flow *f)
{
    struct pipeline_conf *c = &f->front_conf;
    *c = half_of(f->conf, PART_FRONT);
    c->sinks[0] = (struct sink_conf){&store_connector, &f->end};
    c->sink_count = 1;
    bool rejects = f->conf->store_full == STORE_REJECT;
    c->dead_letter = rejects ? (struct sink_conf){&store_connector, &f->dead_end}
                             : (struct sink_conf){NULL, NULL};
    c->last_resort = (struct sink_conf){NULL, NULL};
}

/* Attributes were set in the front. */
static void make_back(struct flow *f)
{
    struct pipeline_conf *c = &f->back_conf;
    *c = half_of(f->conf, PART_BACK);
    c->source = (struct source_conf){&store_connector, &f->end};
    c->set_attributes = (struct opt_list){0};
}

/* ---- the end ---- */

static void consider_end(struct flow *f)
{
    if (!f->front_closed || !f->back_closed) return;
    loop_timer_stop(f->loop, &f->half_time);
    int64_t stay = f->store ? store_close(f->store) : 0;
    if (stay && f->kind != FLOW_EXPORT)
        log_info(f->conf->name, "store: %" PRId64 " messages stay in the store", stay);
    if (f->on_closed) f->on_closed(f->closed_arg);
}

static void start_half_time(struct flow *f)
{
    if (!f->half_time.slot)
        loop_timer_start(f->loop, &f->half_time, (uint64_t)f->conf->drain_timeout / 2);
}

static void on_front_closed(struct pipeline *p, void *arg)
{
    struct flow *f = arg;
    f->front_closed = true;
    if (f->store) store_no_more(f->store);
    if (f->back && pipeline_failure(p)) {
        f->stopping = true;
        start_half_time(f);
    }
    if (f->back && f->stopping && !pipeline_delivers(f->back)) pipeline_stop(f->back);
    consider_end(f);
}

static void on_back_closed(struct pipeline *p, void *arg)
{
    struct flow *f = arg;
    f->back_closed = true;
    if (f->front && pipeline_failure(p)) pipeline_stop(f->front);
    consider_end(f);
}

static void on_half_time(void *arg)
{
    struct flow *f = arg;
    pipeline_stop(f->back);
}

static void on_store_failed(void *arg, const struct error *why)
{
    struct flow *f = arg;
    f->failed = f->stopping = true;
    f->why = *why;
    if (f->front) pipeline_abort(f->front);
    pipeline_abort(f->back);
}

void flow_stop(struct flow *f)
{
    if (f->stopping) return;
    f->stopping = true;
    if (f->front) pipeline_stop(f->front);
    if (!f->store) return;
    if (!f->started) {
        pipeline_abort(f->back);
        return;
    }
    store_hurry(f->store);
    start_half_time(f);
}

/* ---- making and starting ---- */

static void make_parts(struct flow *f, unsigned worker)
{
    struct store_setup setup = {.conf = f->conf,
                                .loop = f->loop,
                                .worker = worker,
                                .keep = f->kind == FLOW_EXPORT,
                                .failed = on_store_failed,
                                .arg = f};
    f->store = store_create(&setup);
    f->end.store = f->dead_end.store = f->store;
    f->dead_end.dead = true;
    make_front(f);
    make_back(f);
    if (f->kind == FLOW_WHOLE) f->front = pipeline_create(&f->front_conf, f->loop, worker);
    f->back = pipeline_create(&f->back_conf, f->loop, worker);
    if (f->front) pipeline_join(f->front, f->back);
    store_join(f->store, f->front, f->back);
    pipeline_on_closed(f->back, on_back_closed, f);
}

struct flow *flow_create(const struct pipeline_conf *conf, struct loop *loop, unsigned worker,
                         enum flow_kind kind)
{
    struct flow *f = mem_zalloc(sizeof(*f));
    f->conf = conf;
    f->kind = kind;
    f->loop = loop;
    f->half_time = (struct loop_timer){.run = on_half_time, .arg = f};
    if (conf->store != STORE_OFF && store_is_built_in())
        make_parts(f, worker);
    else
        f->front = pipeline_create(conf, loop, worker);
    f->back_closed = !f->back;
    f->front_closed = !f->front;
    if (f->front) pipeline_on_closed(f->front, on_front_closed, f);
    return f;
}

/* The back first: what is on disk is sent before anything new. */
bool flow_start(struct flow *f, struct error *e)
{
    if (f->store && !store_open(f->store, e)) return false;
    if (f->back && !pipeline_start(f->back, e)) return false;
    f->started = true;
    if (f->front && !pipeline_start(f->front, e)) {
        f->started = false;
        return false;
    }
    if (!f->front) store_no_more(f->store);
    return true;
}

void flow_on_closed(struct flow *f, void (*closed)(void *arg), void *arg)
{
    f->on_closed = closed;
    f->closed_arg = arg;
}

void flow_destroy(struct flow *f)
{
    if (!f) return;
    pipeline_destroy(f->front);
    pipeline_destroy(f->back);
    store_destroy(f->store);
    free(f);
}

bool flow_is_well(const struct flow *f, struct error *e)
{
    if (f->failed) *e = f->why;
    return !f->failed;
}

const struct error *flow_failure(const struct flow *f)
{
    const struct error *why = f->front ? pipeline_failure(f->front) : NULL;
    return why || !f->back ? why : pipeline_failure(f->back);
}

struct stats *flow_stats(struct flow *f)
{
    return pipeline_stats(f->front ? f->front : f->back);
}
