/* What a transport is to the core: one registration record with a source, a sink, or both.
 * To add one: a folder under connectors/ with `const struct connector connector_<name>`, and one
 * add_connector() line in CMakeLists.txt. Thread: create() to destroy() of one source or sink run
 * on its pipeline's thread, but for check(), promise() and describe(), which are pure and run on
 * the main thread. No call may block; what takes time answers later. Owner: conf belongs to the
 * configuration, which outlives every pipeline. */
#ifndef BRIDGE_CONNECTOR_H
#define BRIDGE_CONNECTOR_H

#include "bridge/opt.h"
#include "bridge/pipeline.h"

/* The first member of each connector's own source and sink structs. The pipeline fills it after
 * create(). */
struct source {
    const struct source_ops *ops;
    struct pipeline *pipeline;
};
struct sink {
    const struct sink_ops *ops;
    struct pipeline *pipeline;
    struct sink_slot *slot;
};

/* What a source can promise with this configuration; it is printed at start and checked against
 * `require`. */
struct source_promise {
    bool at_least_once;        /* false: loss is possible, and why says how */
    const char *ordered_by;    /* "message group", "partition", "topic"; NULL: no order */
    const char *why;           /* why not at-least-once; NULL otherwise */
    const char *takes_back;    /* where a message goes to come again later, while the pipeline runs
                                  ("the queue"); NULL: what was emitted can't go back */
    int64_t max_message_bytes; /* the largest that it may emit: body, key, topic and attributes; 0:
                                  not known */
};

/* How far a sink keeps the order of the legs that it accepted. */
enum sink_order {
    ORDER_NONE,  /* SQS standard queue: one leg in flight per lane, and only where the pipeline
                    requires order */
    ORDER_BATCH, /* SQS FIFO: what one submit() takes of a lane arrives in order; nothing more of it
                    until all have ended */
    ORDER_STREAM, /* Kafka, one MQTT connection: any number in flight */
};
struct sink_promise {
    enum sink_order order;
    bool confirmed;  /* false: leg_done(NULL) does not mean that the far end has it (MQTT QoS 0) */
    const char *why; /* why not confirmed; NULL otherwise */
    const char *order_but;     /* where `order` may fail all the same, after "ordered by ..., but";
                                  NULL:     nowhere */
    int64_t max_message_bytes; /* the largest that it surely takes, attributes counted; 0: not
                                  known; SINK_TAKES_ALL: any */
    const char *body_only;     /* why attributes are left behind; NULL: they are not */
};
#define SINK_TAKES_ALL INT64_MAX

struct source_ops {
    const struct opt *opts;
    size_t conf_size;
    void (*check)(const void *conf, struct opt_report *r); /* optional: what the table can't say */
    struct source_promise (*promise)(const void *conf);
    void (*describe)(const void *conf, char *text,
                     size_t size); /* "sqs orders": for people, no secrets */

    struct source *(*create)(const void *conf, struct pipeline *p, struct error *e);
    bool (*start)(struct source *s,
                  struct error *e); /* begins connecting; the far end may be away */
    void (*room)(struct source *s); /* what pipeline_reserve() refused would be granted now */

    /* Verdicts, at most once per turn, in any order, each receipt once. The source borrows the
     * receipts until pipeline_acknowledged(); the array itself only during the call. */
    void (*settle)(struct source *s, struct receipt *const *receipts, size_t n);
    void (*hold)(struct source *s, uint32_t lane_id,
                 bool held); /* optional: no more of this lane for now */

    /* Optional, where a message keeps its position when it is delivered again: the message of this
     * position was confirmed by an earlier run, which may not have acknowledged it. When it comes
     * it is to be acknowledged, and not emitted. Before start(), oldest first; borrowed. */
    void (*recall)(struct source *s, struct bytes position);

    /* Optional: whether this message, once released, comes again. False: its far end will put it
     * away (a queue's own dead-letter queue), so nothing in its lane need wait for it. */
    bool (*comes_again)(const struct source *s, uint64_t cookie);
    void (*stop)(struct source *s); /* reserve and emit nothing new; settle() goes on */

    /* The end: hand back every receipt that is still borrowed (acknowledged or not), release the
     * far end and all loop handles, then pipeline_source_closed(), at once or later. destroy()
     * follows. Works at any time after create(). */
    void (*close)(struct source *s);
    void (*destroy)(struct source *s);
};

/* Where the dead letters that a sink wrote are read again: a source of the same connector. */
struct letter_place {
    const char *pipeline; /* asked for: its name */
    bool take;            /* asked for: they are to be taken away, not only looked at */

    void *conf;           /* of the connector's source: its defaults, to be changed */
    bool selective;       /* what is not acknowledged stays, whatever comes after it */
    const char *note;     /* what people should know, or NULL */
    const char *items[1]; /* for conf to point to */
    char text[600];
};

struct sink_ops {
    const struct opt *opts;
    size_t conf_size;
    void (*check)(const void *conf, struct opt_report *r);
    struct sink_promise (*promise)(const void *conf);
    void (*describe)(const void *conf, char *text, size_t size);

    /* Optional: fills place for what a sink of conf wrote. False: it can't be read again, and why.
     */
    bool (*letters)(const void *conf, struct letter_place *place, struct error *e);

    struct sink *(*create)(const void *conf, struct pipeline *p, struct error *e);
    bool (*start)(struct sink *s,
                  struct error *e); /* begins connecting; SINK_UP follows, at once or later */

    /* Takes the first k of n legs and returns k; 0: no room, pipeline_ready() will follow. Each leg
     * taken gets one leg_done(). n <= max_batch. A message that can never go is taken and ends with
     * FAULT_REJECT. */
    size_t (*submit)(struct sink *s, struct leg *const *legs, size_t n);
    size_t max_batch;
    void (*flush)(
        struct sink *s); /* optional: nothing more is coming for now, send what waits for company */

    /* The end: every leg that is still held ends now (FAULT_DOWN where its fate is unknown), the
     * far end and all loop handles are released, then pipeline_sink_closed(), at once or later.
     * destroy() follows. Works at any time after create(). */
    void (*close)(struct sink *s);
    void (*destroy)(struct sink *s);
};

struct verb;

struct connector {
    const char *name;                /* "sqs" */
    const char *summary;             /* one line for `sqsbridge options` */
    const struct source_ops *source; /* NULL: there is none */
    const struct sink_ops *sink;
    const struct verb
        *verbs; /* commands of its own (bridge/verb.h), name NULL at the end; or NULL */
};

/* All that were built in, NULL at the end; written by CMake. */
extern const struct connector *const connectors[];

const struct connector *connector_find(const char *name); /* NULL: there is none */

#endif
