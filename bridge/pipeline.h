/* The pipeline as sources and sinks see it: one source, one or more sinks, one window between them.
 *
 * A source asks for room (pipeline_reserve), emits into it (pipeline_emit), and hears the verdicts
 * (settle). A sink is offered legs (submit), and answers each with leg_done(). The rest (lanes,
 * retries, dead letters, drain) happens in between. Thread: the one that runs the pipeline's loop,
 * for every call here. Other threads come in through loop_post(). */
#ifndef BRIDGE_PIPELINE_H
#define BRIDGE_PIPELINE_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/error.h"
#include "bridge/leg.h"
#include "bridge/loop.h"
#include "bridge/msg.h"
#include "bridge/stats.h"

struct pipeline;
struct source;
struct sink;

const char *pipeline_name(const struct pipeline *p); /* also the context of log lines */
unsigned pipeline_worker(const struct pipeline *p);  /* 0 .. workers-1: part of client ids */
struct loop *pipeline_loop(struct pipeline *p);
unsigned pipeline_window(const struct pipeline *p); /* max_in_flight */
struct stats *pipeline_stats(struct pipeline *p);   /* connectors count their requests there */

/* ---- for sources ---- */

/* Reserves room for n messages, all or none; n <= pipeline_window(). After a refusal the source's
 * room() is called once when that many fit. Refused while the window is full (in messages or
 * bytes), a sink is away, a message is stuck, or the pipeline stops. What was reserved and turns
 * out not to be needed is given back with pipeline_unreserve(). */
bool pipeline_reserve(struct pipeline *p, unsigned n) MUST_USE;
void pipeline_unreserve(struct pipeline *p, unsigned n);

/* Takes the reference m and one reserved place. lane_id: messages of one lane keep their order; 0:
 * no order asked for. The source gets the receipt back through settle(), never from within this
 * call. */
void pipeline_emit(struct pipeline *p, struct msg *m, uint64_t cookie, uint32_t lane_id);

/* For a message that is to go to the dead-letter sink, which the pipeline must have. It needs no
 * place: the sinks that are away may have filled the window, and this is the way round them. The
 * caller sees to it that there are not too many. */
void pipeline_emit_dead(struct pipeline *p, struct msg *m, uint64_t cookie);

/* The far end has forgotten these messages (deleted, committed, PUBACK written), or they are
 * released and no longer ours: the receipts are gone and their room returns. Any order, any
 * grouping, also from within settle(). */
void pipeline_acknowledged(struct pipeline *p, struct receipt *const *receipts, size_t n);

/* What a sink refuses goes back to the source (on_reject = "release"): as released receipts that
 * are marked `refused`, and what follows them in their lanes with them. */
bool pipeline_gives_back(const struct pipeline *p);

/* ms to wait before a message is tried again that has failed so many times (from 1 on):
 * retry_delay, doubled with each up to retry_max_delay, with jitter. */
uint64_t pipeline_backoff_ms(struct pipeline *p, uint64_t failures);

/* For logs and readiness: the source can or can't reach its far end. The same news twice is
 * harmless. */
void pipeline_source_state(struct source *s, bool up, const struct error *why);
void pipeline_source_finished(struct source *s); /* all was emitted: the pipeline drains and ends */
void pipeline_source_closed(struct source *s);   /* answer to close() */

/* It can't go on, ever: what is in flight may end, then the pipeline ends, and the process will not
 * exit with 0. Other pipelines go on. */
void pipeline_source_failed(struct source *s, const struct error *why);

/* ---- for sinks ---- */

enum sink_state {
    SINK_DOWN, /* offers stop, the source gets no room; legs that come back are not blamed. Every
                  sink starts so */
    SINK_TRY,  /* offers again, at most max_batch legs at once, but the source still gets no room */
    SINK_UP,
};

/* why: for SINK_DOWN, else NULL. The same news twice is harmless. */
void pipeline_sink_state(struct sink *s, enum sink_state state, const struct error *why);

/* From a sink's start(), where the source has a recall(): see there. */
void pipeline_recall(struct pipeline *p, struct bytes position);

/* There is room again after a submit() that took none. Submits follow at the end of the turn, not
 * from within. */
void pipeline_ready(struct sink *s);
void pipeline_sink_closed(struct sink *s); /* answer to close() */

/* As pipeline_source_failed(); what it has not confirmed is released. */
void pipeline_sink_failed(struct sink *s, const struct error *why);

#endif
