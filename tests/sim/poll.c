#include "tests/sim/poll.h"

static void arm(struct sim *sim, int64_t at_ms);

/* Answers the polls of one queue whose time has come; returns when it must be looked at again. */
static int64_t serve_queue(struct sim *sim, struct queue *q)
{
    int64_t now_ms = clock_now_ms(&sim->account.clock), next_ms = INT64_MAX;
    struct link *next;
    queue_settle(q);
    for (struct link *node = q->polls.next; node != &q->polls; node = next) {
        next = node->next;
        struct call *c = LIST_ENTRY(node, struct call, poll.link);
        struct api_error e;
        bool failed = false;
        bool answered = queue_has_ready(q) && receive_try(c, &e, &failed);
        if (!answered && !failed && c->poll.deadline_ms > now_ms) {
            next_ms = c->poll.deadline_ms < next_ms ? c->poll.deadline_ms : next_ms;
            continue;
        }
        poll_remove(c);
        if (!answered) buf_add_text(c->out, text_of("{}"));
        if (failed)
            call_failed(c, &e);
        else
            call_done(c);
    }
    int64_t due_ms = list_empty(&q->polls) ? INT64_MAX : queue_next_ms(q);
    return due_ms < next_ms ? due_ms : next_ms;
}

void poll_serve(struct sim *sim)
{
    int64_t next_ms = INT64_MAX;
    if (!sim->polls) return;
    for (struct table_node *node = NULL; (node = table_next(&sim->account.queues, node));) {
        struct queue *q = LIST_ENTRY(node, struct queue, by_name);
        int64_t at_ms = list_empty(&q->polls) ? INT64_MAX : serve_queue(sim, q);
        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    arm(sim, next_ms);
}

static void on_timer(uv_timer_t *timer)
{
    struct sim *sim = timer->data;
    sim->poll_armed_ms = INT64_MAX;
    poll_serve(sim);
}

/* A timer that fires too early only looks again, so it is moved when something is due sooner, never
 * later. */
static void arm(struct sim *sim, int64_t at_ms)
{
    if (at_ms >= sim->poll_armed_ms) return;
    int64_t in_ms = at_ms - clock_now_ms(&sim->account.clock);
    sim->poll_armed_ms = at_ms;
    uv_update_time(sim->loop);
    uv_timer_start(&sim->poll_timer, on_timer, in_ms > 0 ? (uint64_t)in_ms : 0, 0);
}

void poll_start(struct sim *sim)
{
    uv_timer_init(sim->loop, &sim->poll_timer);
    sim->poll_timer.data = sim;
    sim->poll_armed_ms = INT64_MAX;
}

void poll_add(struct call *c)
{
    list_add_tail(&c->queue->polls, &c->poll.link);
    c->sim->polls++;
    c->pending = true;
    int64_t due_ms = queue_next_ms(c->queue);
    arm(c->sim, due_ms < c->poll.deadline_ms ? due_ms : c->poll.deadline_ms);
}

void poll_remove(struct call *c)
{
    list_remove(&c->poll.link);
    c->sim->polls--;
    c->pending = false;
}

void poll_fail_all(struct sim *sim, struct queue *q)
{
    (void)sim;
    while (!list_empty(&q->polls)) {
        struct call *c = LIST_ENTRY(q->polls.next, struct call, poll.link);
        struct api_error e;
        api_fail(&e, API_NO_SUCH_QUEUE, "The specified queue does not exist.");
        poll_remove(c);
        call_failed(c, &e);
    }
}
