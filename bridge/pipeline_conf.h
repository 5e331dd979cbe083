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

/* Where what was received and not yet delivered is kept besides at its source. */
enum store_mode {
    STORE_OFF,      /* nowhere: the source is acknowledged when every sink has confirmed */
    STORE_OVERFLOW, /* on disk while the sinks are away for long */
    STORE_ALWAYS,   /* on disk, and the source is acknowledged when it is there */
};
enum store_full { STORE_BLOCK, STORE_REJECT, STORE_DROP_OLDEST, STORE_DROP_NEWEST };

/* With a store, a pipeline runs as two, joined by it (flow.h). */
enum pipeline_part {
    PART_WHOLE,
    PART_FRONT, /* the source, and the store as its sink */
    PART_BACK,  /* the store as the source of the sinks */
};

struct pipeline_conf {
    const char *name;
    struct source_conf source;
    struct sink_conf sinks[PIPELINE_MAX_SINKS];
    size_t sink_count;
    struct sink_conf dead_letter; /* connector NULL: none */
    struct sink_conf last_resort; /* made from dead_letter_file: takes what dead_letter refuses, or
                                     all where there is none */

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
    const char *dead_letter_file;
    int on_reject;             /* enum on_reject */
    int64_t max_message_bytes; /* 0: as the source says */

    int store;              /* enum store_mode */
    const char *store_path; /* the folder of its files */
    int64_t store_max_bytes, store_max_messages;
    int64_t store_max_age;                      /* ms, 0: any */
    int store_full;                             /* enum store_full */
    int64_t store_linger, store_overflow_after; /* ms */

    /* not of the table: what flow.c makes of it */
    enum pipeline_part part;
    const struct pipeline_conf *whole; /* of a part */
};

enum on_reject { ON_REJECT_HOLD, ON_REJECT_DROP, ON_REJECT_RELEASE };

extern const struct opt pipeline_opts[]; /* ends with OPT_END */

/* What this pipeline promises, from what its source and sinks promise. */
struct guarantee {
    bool at_least_once, ordered;
    bool order_required; /* by the user: sinks without order of their own get one leg of a lane at a
                            time */
    const char *order_but; /* of a sink's promise; NULL: its order holds always */
    char text[600]; /* "at-least-once, ordered by message group, dead letter: sqs orders-dlq" */
};
void guarantee_of(const struct pipeline_conf *conf, struct guarantee *g);

/* The rules between options (require can be kept, the lane's share fits into the window). For
 * config/, at lint. */
void pipeline_check(const struct pipeline_conf *conf, struct opt_report *r);

#endif
