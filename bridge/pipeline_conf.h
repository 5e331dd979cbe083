/* What a pipeline is made of: filled by config/ through the tables, read by the core.
 * Thread: constant once loaded, so any. Owner: the configuration, which outlives every pipeline. */
#ifndef BRIDGE_PIPELINE_CONF_H
#define BRIDGE_PIPELINE_CONF_H

#include "bridge/connector.h"

struct source_conf {
    const struct connector *connector;
    const void *conf; /* the struct that connector->source->opts describes */
};

struct sink_conf {
    const struct connector *connector;
    const void *conf;
};

enum { PIPELINE_MAX_SINKS = 16 };

struct pipeline_conf {
    const char *name;
    struct source_conf source;
    struct sink_conf sinks[PIPELINE_MAX_SINKS];
    size_t sink_count;
    struct sink_conf dead_letter; /* connector NULL: none */

    /* the options of the table below */
    int64_t max_in_flight; /* messages */
    int64_t max_in_flight_bytes;
    int64_t max_in_flight_per_lane; /* 0: half the window */
    int64_t max_attempts;
    int64_t retry_delay, retry_max_delay; /* ms */
    int64_t drain_timeout;                /* ms */
    int64_t workers;
    struct opt_list require;        /* "ordered", "at-least-once" */
    struct opt_list set_attributes; /* "name=template" */
};

extern const struct opt pipeline_opts[]; /* ends with OPT_END */

/* What this pipeline promises, from what its source and sinks promise. */
struct guarantee {
    bool at_least_once, ordered;
    bool order_required; /* by the user: sinks without order of their own get one leg of a lane at a
                            time */
    char text[400]; /* "at-least-once, ordered by message group, dead letter: sqs orders-dlq" */
};
void guarantee_of(const struct pipeline_conf *conf, struct guarantee *g);

/* The rules between options (require can be kept, the lane's share fits into the window). For
 * config/, at lint. */
void pipeline_check(const struct pipeline_conf *conf, struct opt_report *r);

#endif
