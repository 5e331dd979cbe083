/* Messages are packed into SendMessageBatch, ten at a time; several batches are on their way at
 * once. The order of a message group is the order in which SQS accepts its messages, and it accepts
 * or refuses the entries of a batch one by one: so, where messages have an order, only one of each
 * group is on its way (or, with fifo_batch_same_group, one batch of each group). */
#include "connectors/sqs/sqs_sink.h"

#include <stdlib.h>

#include "bridge/text.h"

enum { THROTTLED_MS = 1000, MIN_BATCH_BYTES = 1024 };

static struct loop *loop_of(const struct sqs_sink *s)
{
    return pipeline_loop(s->pipeline);
}

/* ---- legs that come back ---- */

static void return_leg(struct sqs_sink *s, struct leg *l, const struct error *why)
{
    s->owes_legs = true;
    leg_done(l, why);
}

static struct leg *pop_alone(struct sqs_sink *s)
{
    struct leg *l = s->alone;
    s->alone = l->next;
    if (!s->alone) s->alone_last = NULL;
    return l;
}

static void push_alone(struct sqs_sink *s, struct leg *l)
{
    l->next = NULL;
    if (s->alone_last)
        s->alone_last->next = l;
    else
        s->alone = l;
    s->alone_last = l;
}

static void return_alone(struct sqs_sink *s, const struct error *why)
{
    while (s->alone)
        return_leg(s, pop_alone(s), why);
}

/* In their order, so that the core can go on where they began. */
static void outage(struct sqs_sink *s, struct sqs_send *b, const struct error *why)
{
    struct error down = *why;
    down.fault = FAULT_DOWN;
    sqs_sink_down(s, &down);
    for (size_t i = 0; i < b->pack.count; i++)
        return_leg(s, b->legs[i], &down);
    return_alone(s, &down);
}

/* ---- answers ---- */

static bool is_config(enum sqs_class class)
{
    return class == SQS_CLOCK || class == SQS_CREDENTIALS || class == SQS_CONFIG ||
           class == SQS_DENIED;
}

static enum sqs_class class_of(const struct sqs_result *r)
{
    return sqs_classify_entry(r->sender_fault, r->code, r->message);
}

/* A key that may not be used, for example, fails the entries and not the request. */
static bool somebody_must_act(const struct sqs_send *b)
{
    for (size_t i = 0; i < b->pack.count; i++)
        if (b->results[i].fate == SQS_FAILED && is_config(class_of(&b->results[i]))) return true;
    return false;
}

static void entry_failed(struct sqs_sink *s, struct leg *l, const struct sqs_result *r)
{
    struct error e;
    char hint[256];
    enum sqs_class class = class_of(r);
    sqs_error_hint(class, r->code, r->message, "sqs:SendMessage", hint, sizeof(hint));
    error_set(&e, FAULT_RETRY, "%.*s: %.*s%s%s%s", BYTES_ARGS(r->code), BYTES_ARGS(r->message),
              *hint ? " (" : "", hint, *hint ? ")" : "");
    if (is_config(class)) {
        e.fault = FAULT_DOWN;
        sqs_sink_down(s, &e);
        return_leg(s, l, &e);
        return;
    }
    if (class == SQS_THROTTLED) { /* not the message's fault: no attempt of it */
        e.fault = FAULT_DOWN;
        e.retry_after_ms = THROTTLED_MS;
    } else if (class != SQS_TRANSIENT) {
        e.fault = FAULT_REJECT;
    }
    leg_done(l, &e);
}

/* SQS fails entries one by one: it may have taken a later message of the same group. */
static void watch_order(struct sqs_sink *s, const struct sqs_send *b, size_t failed)
{
    for (size_t i = failed + 1; b->groups[failed] && i < b->pack.count; i++) {
        if (b->groups[i] != b->groups[failed] || b->results[i].fate != SQS_DONE) continue;
        log_limited(&s->order_complaint, LOG_WARN, pipeline_name(s->pipeline),
                    "queue \"%s\": SQS took a message and not the one before it of its group, "
                    "which now comes after it",
                    s->queue.name);
        return;
    }
}

static void entry_answered(struct sqs_send *b, size_t i)
{
    struct sqs_sink *s = b->sink;
    const struct sqs_result *r = &b->results[i];
    struct error e;
    switch (r->fate) {
    case SQS_FAILED:
        watch_order(s, b, i);
        entry_failed(s, b->legs[i], r);
        return;
    case SQS_UNANSWERED:
        error_set(&e, FAULT_RETRY, "SendMessageBatch: the answer does not name this message");
        break;
    case SQS_DONE:
        if (sqs_pack_agrees(&b->pack, s->digest, i, r)) {
            leg_done(b->legs[i], NULL);
            return;
        }
        error_set(&e, FAULT_RETRY, "SendMessageBatch: SQS has another message than was sent (MD5)");
        break;
    }
    leg_done(b->legs[i], &e);
}

/* One message may be to blame for a batch that was refused as a whole: each goes alone. */
static void batch_refused(struct sqs_sink *s, struct sqs_send *b)
{
    if (b->pack.count == 1) {
        leg_done(b->legs[0], &b->call.error);
        return;
    }
    if (b->call.class == SQS_TOO_LONG && b->pack.bytes / 2 >= MIN_BATCH_BYTES)
        s->batch_max_bytes = b->pack.bytes / 2;
    for (size_t i = 0; i < b->pack.count; i++)
        push_alone(s, b->legs[i]);
}

static void read_answer(struct sqs_sink *s, struct sqs_send *b)
{
    switch (b->call.class) {
    case SQS_OK:
        if (!somebody_must_act(b)) sqs_sink_up(s);
        for (size_t i = 0; i < b->pack.count; i++)
            entry_answered(b, i);
        return;
    case SQS_TOO_LONG:
    case SQS_SENDER:
        sqs_sink_up(s); /* who refuses is there */
        batch_refused(s, b);
        return;
    case SQS_TRANSIENT:
    case SQS_THROTTLED:
    case SQS_CLOCK:
    case SQS_CREDENTIALS:
    case SQS_CONFIG:
    case SQS_DENIED:
    case SQS_HANDLE:
        outage(s, b, &b->call.error);
        return;
    }
}

static void go_on(struct sqs_sink *s);

static void answered(struct sqs_call *call)
{
    struct sqs_send *b = call->arg;
    struct sqs_sink *s = b->sink;
    s->in_flight_count--;
    TAILQ_REMOVE(&s->in_flight, b, entry);
    read_answer(s, b);
    sqs_call_trim(call);
    TAILQ_INSERT_HEAD(&s->idle, b, entry);
    go_on(s);
}

static bool decode(struct sqs_call *call, struct error *e)
{
    struct sqs_send *b = call->arg;
    return sqs_decode_batch(sqs_call_answer(call), NULL, b->results, b->pack.count, e);
}

/* ---- sending ---- */

static struct sqs_send *take_batch(struct sqs_sink *s)
{
    struct sqs_send *b = TAILQ_FIRST(&s->idle);
    if (b)
        TAILQ_REMOVE(&s->idle, b, entry);
    else
        b = mem_zalloc(sizeof(*b));
    b->sink = s;
    b->call.client = s->client;
    b->call.action = SQS_SEND_MESSAGE_BATCH;
    b->call.decode = decode;
    b->call.done = answered;
    b->call.arg = b;
    sqs_pack_begin(&b->pack, &b->call.body, s->queue.url);
    return b;
}

static void add(struct sqs_sink *s, struct sqs_send *b, struct leg *l, uint64_t group)
{
    b->legs[b->pack.count] = l;
    b->groups[b->pack.count] = group;
    sqs_pack_add(&b->pack, s->digest, &s->maker.entry, s->maker.mapped.size);
}

static void send_batch(struct sqs_sink *s, struct sqs_send *b)
{
    sqs_pack_end(&b->pack);
    s->in_flight_count++;
    TAILQ_INSERT_TAIL(&s->in_flight, b, entry);
    sqs_call_send(&b->call);
}

static void send_open(struct sqs_sink *s)
{
    struct sqs_send *b = s->open;
    s->open = NULL;
    loop_timer_stop(loop_of(s), &s->linger);
    if (b) send_batch(s, b);
}

static void linger_is_over(void *arg)
{
    send_open(arg);
}

void sqs_sends_flush(struct sqs_sink *s)
{
    send_open(s);
}

/* What the entry at hand may not overtake; 0: nothing, it has no order. */
static uint64_t order_of(const struct sqs_sink *s, const struct leg *l)
{
    return s->queue.fifo && l->receipt->lane_id ? text_hash(s->maker.entry.group_id) : 0;
}

static void send_alone(struct sqs_sink *s)
{
    struct error e;
    struct leg *l = pop_alone(s);
    if (!sqs_entry_group(&s->maker, l, &e) || !sqs_entry_make(&s->maker, l, &e)) {
        leg_done(l, &e);
        return;
    }
    struct sqs_send *b = take_batch(s);
    add(s, b, l, order_of(s, l));
    send_batch(s, b);
}

static void go_on(struct sqs_sink *s)
{
    if (s->closing) return;
    while (s->alone && !s->in_flight_count)
        send_alone(s);
    if (s->refused && !s->alone) {
        s->refused = false;
        pipeline_ready(&s->base);
    }
}

/* ---- taking legs ---- */

static bool has_group(const struct sqs_send *b, uint64_t group)
{
    for (size_t i = 0; i < b->pack.count; i++)
        if (b->groups[i] == group) return true;
    return false;
}

static bool group_is_in_flight(const struct sqs_sink *s, uint64_t group)
{
    const struct sqs_send *b;
    if (!group) return false;
    TAILQ_FOREACH(b, &s->in_flight, entry)
    if (has_group(b, group)) return true;
    return false;
}

/* The one before it of its group must be accepted first. It goes without waiting for company. */
static bool must_wait(struct sqs_sink *s, uint64_t group)
{
    if (group_is_in_flight(s, group)) return true;
    bool strict = group && !s->conf->fifo_batch_same_group;
    if (!strict || !s->open || !has_group(s->open, group)) return false;
    loop_timer_start(loop_of(s), &s->linger, 0);
    return true;
}

/* The batch that the entry at hand goes into; NULL: no room for it now. */
static struct sqs_send *batch_for(struct sqs_sink *s, uint64_t group)
{
    if (s->open && !sqs_pack_fits(&s->open->pack, s->maker.mapped.size, s->batch_max_bytes))
        send_open(s);
    if (group_is_in_flight(s, group)) return NULL; /* with the batch that was full */
    if (s->open) return s->open;
    if (s->in_flight_count >= (unsigned)s->conf->max_connections) return NULL;
    s->open = take_batch(s);
    loop_timer_start(loop_of(s), &s->linger, (uint64_t)s->conf->linger);
    return s->open;
}

static bool take(struct sqs_sink *s, struct leg *l)
{
    struct error e;
    if (!s->open && s->in_flight_count >= (unsigned)s->conf->max_connections) return false;
    if (!sqs_entry_group(&s->maker, l, &e)) {
        leg_done(l, &e);
        return true;
    }
    uint64_t group = order_of(s, l);
    if (must_wait(s, group)) return false;
    if (!sqs_entry_make(&s->maker, l, &e)) {
        leg_done(l, &e);
        return true;
    }
    struct sqs_send *b = batch_for(s, group);
    if (!b) return false;
    add(s, b, l, group);
    if (b->pack.count == SQS_BATCH) send_open(s);
    return true;
}

size_t sqs_sends_submit(struct sqs_sink *s, struct leg *const *legs, size_t n)
{
    size_t taken = 0;
    while (taken < n && !s->alone && take(s, legs[taken]))
        taken++;
    if (taken < n) s->refused = true;
    return taken;
}

void sqs_sends_init(struct sqs_sink *s)
{
    s->batch_max_bytes = SQS_MAX_BYTES;
    s->linger = (struct loop_timer){.run = linger_is_over, .arg = s};
    TAILQ_INIT(&s->in_flight);
    TAILQ_INIT(&s->idle);
}

void sqs_sends_abandon(struct sqs_sink *s)
{
    struct error e;
    struct sqs_send *b = s->open;
    s->open = NULL;
    loop_timer_stop(loop_of(s), &s->linger);
    error_set(&e, FAULT_DOWN, "queue \"%s\": the bridge stops", s->queue.name);
    return_alone(s, &e);
    if (!b) return;
    outage(s, b, &e);
    TAILQ_INSERT_HEAD(&s->idle, b, entry);
}

void sqs_sends_free(struct sqs_sink *s)
{
    struct sqs_send *b;
    while ((b = TAILQ_FIRST(&s->idle))) {
        TAILQ_REMOVE(&s->idle, b, entry);
        sqs_call_free(&b->call);
        free(b);
    }
}
