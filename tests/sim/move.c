#include "tests/sim/move.h"

#include "tests/sim/poll.h"

#include <stdlib.h>

enum {
    TICK_MS = 20,
    RATE_DEFAULT = 500,
};

static struct move *entry(struct link *node)
{
    return LIST_ENTRY(node, struct move, link);
}

static struct message *first_ready(struct queue *q)
{
    queue_settle(q);
    for (struct link *node = q->all.next; q->ready && node != &q->all; node = node->next) {
        struct message *m = LIST_ENTRY(node, struct message, all);
        if (m->state == MESSAGE_READY) return m;
    }
    return NULL;
}

/* A moved message is a new one: new id, new age, never received (SQS developer guide, "dead-letter
 * queue redrive"). */
static bool move_one(struct sim *sim, struct move *t, struct queue *source, struct message *m)
{
    const char *arn = t->destination_arn ? t->destination_arn : m->dead_letter_source;
    struct queue *target = arn ? account_find_arn(&sim->account, text_of(arn)) : NULL;
    if (!target || target->settings.fifo != source->settings.fifo) return false;
    queue_take_out(source, m);
    free(m->dead_letter_source);
    m->dead_letter_source = NULL;
    m->receive_count = 0;
    m->first_received_ms = 0;
    m->sent_ms = clock_now_ms(&sim->account.clock);
    chance_uuid(&sim->account.chance, m->id);
    queue_insert(target, m, m->sent_ms);
    t->moved++;
    return true;
}

static void step(struct sim *sim, struct move *t)
{
    struct queue *source = account_find_arn(&sim->account, text_of(t->source_arn));
    int64_t age_ms = clock_now_ms(&sim->account.clock) - t->started_ms;
    int64_t rate = t->rate ? t->rate : RATE_DEFAULT;
    uint64_t allowed = (uint64_t)(age_ms * rate / 1000) + 1;
    if (!source) t->state = MOVE_FAILED;
    while (t->state == MOVE_RUNNING && t->moved < allowed) {
        struct message *m = first_ready(source);
        if (!m)
            t->state = MOVE_COMPLETED;
        else if (!move_one(sim, t, source, m))
            t->state = MOVE_FAILED;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct sim *sim = timer->data;
    bool running = false;
    for (struct link *node = sim->moves.next; node != &sim->moves; node = node->next) {
        struct move *t = entry(node);
        if (t->state == MOVE_RUNNING) step(sim, t);
        running = running || t->state == MOVE_RUNNING;
    }
    if (!running) uv_timer_stop(timer);
    poll_serve(sim);
}

void move_start(struct sim *sim)
{
    list_init(&sim->moves);
    uv_timer_init(sim->loop, &sim->move_timer);
    sim->move_timer.data = sim;
}

void move_forget(struct sim *sim)
{
    while (!list_empty(&sim->moves)) {
        struct move *t = entry(sim->moves.next);
        list_remove(&t->link);
        free(t->source_arn);
        free(t->destination_arn);
        free(t);
    }
    uv_timer_stop(&sim->move_timer);
}

struct move *move_add(struct sim *sim, const struct queue *source, struct text destination_arn,
                      int64_t rate)
{
    struct move *t = mem_alloc(sizeof(*t));
    chance_uuid(&sim->account.chance, t->id);
    t->source_arn = text_copy(text_of(source->arn));
    t->destination_arn = destination_arn.ptr ? text_copy(destination_arn) : NULL;
    t->rate = rate;
    t->started_ms = clock_now_ms(&sim->account.clock);
    t->to_move = source->ready;
    list_add_tail(&sim->moves, &t->link);
    uv_timer_start(&sim->move_timer, on_tick, TICK_MS, TICK_MS);
    return t;
}

struct move *move_find(struct sim *sim, struct text id)
{
    for (struct link *node = sim->moves.next; node != &sim->moves; node = node->next) {
        if (text_is(id, entry(node)->id)) return entry(node);
    }
    return NULL;
}

struct move *move_running(struct sim *sim, struct text source_arn)
{
    for (struct link *node = sim->moves.next; node != &sim->moves; node = node->next) {
        if (entry(node)->state == MOVE_RUNNING && text_is(source_arn, entry(node)->source_arn))
            return entry(node);
    }
    return NULL;
}

bool move_is_dead_letter_queue(const struct account *a, const struct queue *q)
{
    for (struct table_node *node = NULL; (node = table_next(&a->queues, node));) {
        const struct queue *source = LIST_ENTRY(node, struct queue, by_name);
        const char *target = source->settings.dead_letter_arn;
        if (target && text_is(text_of(q->arn), target)) return true;
    }
    return false;
}
