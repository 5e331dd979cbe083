/* Long polls, as many as the load asks for: one more for each receive that comes back full, one
 * less for each that comes back nearly empty. So the throughput does not depend on the round trip,
 * and an idle queue costs one request in twenty seconds. */
#include <stdlib.h>
#include <string.h>

#include "connectors/sqs/sqs_source.h"

enum {
    ATTEMPT_ID_MS = 4 * 60 * 1000, /* SQS honours it for five minutes */
    GRACE_MS = 1000,               /* an answer that has not come by then waits for messages */
    ECHO_MS = 250, /* until SQS has seen that a poll is gone: it would get what is released */
};

/* One poll after another; the attempt id is that of one logical receive, however often it is tried.
 */
struct sqs_poll {
    struct sqs_call call;
    struct sqs_source *source;
    unsigned reserved;
    char attempt_id[33];
    uint64_t attempt_ms; /* when the id was made; 0: make one */
    uint64_t sent_ms;
    TAILQ_ENTRY(sqs_poll) entry;
};

static struct loop *loop_of(const struct sqs_source *s)
{
    return pipeline_loop(s->pipeline);
}

static bool decode(struct sqs_call *call, struct error *e)
{
    struct sqs_poll *poll = call->arg;
    struct sqs_source *s = poll->source;
    if (!sqs_decode_receive(sqs_call_answer(call), &s->received, e)) return false;
    if (s->received.count <= poll->reserved) return true;
    return error_set(e, FAULT_DOWN, "answer holds %zu messages where %u were asked for",
                     s->received.count, poll->reserved);
}

/* ---- answers ---- */

static void scale(struct sqs_source *s, size_t asked, size_t got)
{
    struct sqs_pollers *p = &s->pollers;
    if (got == asked && p->wanted < (unsigned)s->conf->max_pollers)
        p->wanted++;
    else if (got * 3 <= asked && p->wanted > 1)
        p->wanted--;
}

static void received(struct sqs_source *s, struct sqs_poll *poll)
{
    s->pollers.backoff.failures = 0;
    s->pollers.proved = true;
    poll->attempt_ms = 0;
    scale(s, poll->reserved, s->received.count);
    poll->reserved -= sqs_source_take(s, &s->received);
    sqs_source_report(s, SQS_PART_RECEIVE, NULL);
}

/* The others will fail too, or have: from here on one poll probes, with growing pauses. */
static void failed(struct sqs_source *s, const struct error *why)
{
    struct sqs_pollers *p = &s->pollers;
    if (p->pause.slot || s->stopping) return;
    p->wanted = 1;
    p->proved = false;
    loop_timer_start(loop_of(s), &p->pause,
                     sqs_backoff_next_ms(&p->backoff, sqs_client_random(s->polls)));
    sqs_source_report(s, SQS_PART_RECEIVE, why);
}

/* Idle polls are a stack: the one that failed goes on with its attempt id. */
static void put_away(struct sqs_source *s, struct sqs_poll *poll)
{
    struct sqs_pollers *p = &s->pollers;
    if (poll->reserved) pipeline_unreserve(s->pipeline, poll->reserved);
    poll->reserved = 0;
    sqs_call_trim(&poll->call);
    TAILQ_REMOVE(&p->open, poll, entry);
    TAILQ_INSERT_HEAD(&p->idle, poll, entry);
    p->open_count--;
}

static void done(struct sqs_call *call)
{
    struct sqs_poll *poll = call->arg;
    struct sqs_source *s = poll->source;
    if (call->class == SQS_OK)
        received(s, poll);
    else
        failed(s, &call->error);
    put_away(s, poll);
    sqs_pollers_pump(s);
    sqs_source_advance(s);
}

/* ---- polls ---- */

static struct sqs_poll *take_poll(struct sqs_source *s)
{
    struct sqs_pollers *p = &s->pollers;
    struct sqs_poll *poll = TAILQ_FIRST(&p->idle);
    if (poll)
        TAILQ_REMOVE(&p->idle, poll, entry);
    else
        poll = mem_zalloc(sizeof(*poll));
    TAILQ_INSERT_TAIL(&p->open, poll, entry);
    p->open_count++;
    poll->source = s;
    poll->reserved = p->batch;
    return poll;
}

/* On a FIFO queue, an answer that was lost would lock its messages until their timeout; with the
 * same attempt id they come again at once. */
static const char *attempt_id(struct sqs_source *s, struct sqs_poll *poll, uint64_t now)
{
    if (!s->queue.fifo) return NULL;
    if (poll->attempt_ms && now - poll->attempt_ms < ATTEMPT_ID_MS) return poll->attempt_id;
    poll->attempt_ms = now;
    memset(poll->attempt_id, '#', sizeof(poll->attempt_id) - 1);
    sqs_random_digits(sqs_client_random(s->polls), poll->attempt_id);
    return poll->attempt_id;
}

static void start_poll(struct sqs_source *s)
{
    struct sqs_poll *poll = take_poll(s);
    struct sqs_call *call = &poll->call;
    poll->sent_ms = loop_now_ms(loop_of(s));
    struct sqs_receive request = {
        .queue_url = s->queue.url,
        .attempt_id = attempt_id(s, poll, poll->sent_ms),
        .wait_s = s->pollers.proved ? s->conf->wait_time_seconds : 0,
        .visibility_s = s->beats.visibility_s,
        .max = poll->reserved,
    };
    call->body.len = 0;
    sqs_encode_receive(&call->body, &request);
    call->client = s->polls;
    call->action = SQS_RECEIVE_MESSAGE;
    call->wait_s = request.wait_s;
    call->decode = decode;
    call->done = done;
    call->arg = poll;
    sqs_call_send(call);
}

void sqs_pollers_pump(struct sqs_source *s)
{
    struct sqs_pollers *p = &s->pollers;
    while (!s->stopping && !p->pause.slot && p->open_count < p->wanted &&
           pipeline_reserve(s->pipeline, p->batch))
        start_poll(s);
}

static void pause_is_over(void *arg)
{
    sqs_pollers_pump(arg);
}

static void echo_is_over(void *arg)
{
    sqs_source_advance(arg);
}

bool sqs_pollers_are_gone(const struct sqs_source *s)
{
    return !s->pollers.open_count && !s->pollers.echo.slot;
}

/* ---- the end ---- */

static bool is_waiting(const struct sqs_poll *poll, uint64_t now)
{
    return now - poll->sent_ms >= GRACE_MS;
}

/* Those that only wait for messages are cancelled; what the others bring is released. SQS may not
 * notice at once: what it gives to a poll that is gone returns after its visibility timeout. */
static void cancel_waiting(void *arg)
{
    struct sqs_source *s = arg;
    struct sqs_pollers *p = &s->pollers;
    struct sqs_poll *poll = TAILQ_FIRST(&p->open), *next;
    uint64_t now = loop_now_ms(loop_of(s));
    for (; poll; poll = next) {
        next = TAILQ_NEXT(poll, entry);
        if (!is_waiting(poll, now)) continue;
        sqs_call_cancel(&poll->call);
        put_away(s, poll);
        loop_timer_start(loop_of(s), &p->echo, ECHO_MS);
    }
    if (p->open_count) loop_timer_start(loop_of(s), &p->grace, GRACE_MS);
    sqs_source_advance(s);
}

void sqs_pollers_init(struct sqs_source *s)
{
    struct sqs_pollers *p = &s->pollers;
    unsigned window = pipeline_window(s->pipeline);
    TAILQ_INIT(&p->open);
    TAILQ_INIT(&p->idle);
    p->wanted = 1;
    p->batch = window < SQS_BATCH ? window : SQS_BATCH;
    p->pause = (struct loop_timer){.run = pause_is_over, .arg = s};
    p->grace = (struct loop_timer){.run = cancel_waiting, .arg = s};
    p->echo = (struct loop_timer){.run = echo_is_over, .arg = s};
}

void sqs_pollers_stop(struct sqs_source *s)
{
    loop_timer_stop(loop_of(s), &s->pollers.pause);
    cancel_waiting(s);
}

void sqs_pollers_halt(struct sqs_source *s)
{
    loop_timer_stop(loop_of(s), &s->pollers.pause);
    loop_timer_stop(loop_of(s), &s->pollers.grace);
    loop_timer_stop(loop_of(s), &s->pollers.echo);
}

void sqs_pollers_free(struct sqs_source *s)
{
    struct sqs_poll *poll;
    while ((poll = TAILQ_FIRST(&s->pollers.idle))) {
        TAILQ_REMOVE(&s->pollers.idle, poll, entry);
        sqs_call_free(&poll->call);
        free(poll);
    }
}
