#include "tests/sim/queue.h"

#include "tests/sim/handle.h"
#include "tests/sim/label.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool queue_name_is_fifo(struct text name)
{
    return name.len > 5 && !memcmp(name.ptr + name.len - 5, ".fifo", 5);
}

static char *arn_of(const struct account *a, const char *name)
{
    struct buf arn = {0};
    buf_addf(&arn, "arn:aws:sqs:%s:" ACCOUNT_ID ":%s", a->region, name);
    buf_add_char(&arn, 0);
    return arn.ptr;
}

struct queue *queue_create(struct account *a, struct text name)
{
    struct queue *q = mem_alloc(sizeof(*q));
    q->account = a;
    q->name = text_copy(name);
    q->arn = arn_of(a, q->name);
    q->uid = ++a->last_uid;
    q->created_ms = q->modified_ms = clock_now_ms(&a->clock);
    settings_default(&q->settings, queue_name_is_fifo(name));
    list_init(&q->all);
    list_init(&q->polls);
    for (size_t i = 0; i < QUEUE_SHARDS; i++)
        list_init(&q->shards[i]);
    fifo_init(&q->fifo);
    return q;
}

static void remove_message(struct queue *q, struct message *m)
{
    queue_take_out(q, m);
    message_destroy(m);
}

static void empty(struct queue *q)
{
    while (!list_empty(&q->all))
        remove_message(q, LIST_ENTRY(q->all.next, struct message, all));
}

void queue_destroy(struct queue *q)
{
    if (!q) return;
    empty(q);
    fifo_free(&q->fifo);
    table_free(&q->by_uid);
    schedule_free(&q->hidden);
    settings_free(&q->settings);
    label_free_all(&q->tags);
    free(q->name);
    free(q->arn);
    free(q);
}

static size_t *count_of(struct queue *q, enum message_state state)
{
    switch (state) {
    case MESSAGE_READY:
        return &q->ready;
    case MESSAGE_DELAYED:
        return &q->delayed;
    case MESSAGE_IN_FLIGHT:
        break;
    }
    return &q->in_flight;
}

static void enter(struct queue *q, struct message *m, enum message_state state, int64_t visible_ms)
{
    m->state = state;
    m->visible_ms = visible_ms;
    (*count_of(q, state))++;
    if (state != MESSAGE_READY)
        schedule_add(&q->hidden, m);
    else if (!q->settings.fifo)
        list_add_tail(
            &q->shards[q->account->shuffle ? chance_next(&q->account->chance) % QUEUE_SHARDS : 0],
            &m->waiting);
}

static void leave(struct queue *q, struct message *m)
{
    (*count_of(q, m->state))--;
    if (m->state != MESSAGE_READY)
        schedule_remove(&q->hidden, m);
    else if (!q->settings.fifo)
        list_remove(&m->waiting);
}

void queue_set_state(struct queue *q, struct message *m, enum message_state state,
                     int64_t visible_ms)
{
    leave(q, m);
    enter(q, m, state, visible_ms);
    if (m->group_of) fifo_refresh(&q->fifo, m->group_of);
}

void queue_insert(struct queue *q, struct message *m, int64_t visible_ms)
{
    m->uid = ++q->account->last_uid;
    list_add_tail(&q->all, &m->all);
    table_add(&q->by_uid, &m->by_uid, (struct text){(const char *)&m->uid, sizeof(m->uid)});
    bool hidden = visible_ms > clock_now_ms(&q->account->clock);
    enter(q, m, hidden ? MESSAGE_DELAYED : MESSAGE_READY, visible_ms);
    if (q->settings.fifo) fifo_join(&q->fifo, m);
}

void queue_take_out(struct queue *q, struct message *m)
{
    leave(q, m);
    if (m->group_of) fifo_leave(&q->fifo, m);
    list_remove(&m->all);
    table_remove(&q->by_uid, &m->by_uid);
}

static void drop_too_old(struct queue *q, int64_t now_ms)
{
    int64_t keep_ms = q->settings.retention_s * 1000;
    while (!list_empty(&q->all)) {
        struct message *oldest = LIST_ENTRY(q->all.next, struct message, all);
        if (oldest->sent_ms + keep_ms > now_ms) return;
        remove_message(q, oldest);
        q->expired++;
    }
}

void queue_settle(struct queue *q)
{
    int64_t now_ms = clock_now_ms(&q->account->clock);
    drop_too_old(q, now_ms);
    for (struct message *m; (m = schedule_first(&q->hidden)) && m->visible_ms <= now_ms;)
        queue_set_state(q, m, MESSAGE_READY, m->visible_ms);
}

int64_t queue_next_ms(const struct queue *q)
{
    const struct message *m = schedule_first(&q->hidden);
    return m ? m->visible_ms : INT64_MAX;
}

bool queue_has_ready(const struct queue *q)
{
    return q->settings.fifo ? !list_empty(&q->fifo.open) : q->ready > 0;
}

void queue_purge(struct queue *q)
{
    q->purged_ms = clock_now_ms(&q->account->clock);
    empty(q);
}

void queue_expire(struct queue *q)
{
    struct link *next;
    for (struct link *node = q->all.next; node != &q->all; node = next) {
        next = node->next;
        struct message *m = LIST_ENTRY(node, struct message, all);
        if (m->state == MESSAGE_IN_FLIGHT)
            queue_set_state(q, m, MESSAGE_READY, clock_now_ms(&q->account->clock));
    }
}

static int64_t delay_of(const struct queue *q, const struct draft *d)
{
    return (d->delay_s >= 0 ? d->delay_s : q->settings.delay_s) * 1000;
}

void queue_send(struct queue *q, const struct draft *d, struct sent *out)
{
    struct account *a = q->account;
    int64_t now_ms = clock_now_ms(&a->clock);
    queue_settle(q);
    *out = (struct sent){.sequence = q->settings.fifo ? (a->last_sequence += 256) : 0};
    chance_uuid(&a->chance, out->id);
    if (q->settings.fifo && fifo_is_duplicate(q, d, out, now_ms)) {
        md5_text(d->body, out->body_md5);
        q->deduplicated++;
        return;
    }
    struct message *m = message_create(d);
    memcpy(out->body_md5, m->body_md5, sizeof(m->body_md5));
    memcpy(m->id, out->id, sizeof(m->id));
    m->sequence = out->sequence;
    m->sent_ms = now_ms;
    queue_insert(q, m, now_ms + delay_of(q, d));
    q->sent++;
    a->sent++;
}

bool queue_redrive(struct queue *q, struct message *m)
{
    const struct settings *s = &q->settings;
    if (!s->dead_letter_arn || m->receive_count < s->max_receive_count) return false;
    struct queue *target = account_find_arn(q->account, text_of(s->dead_letter_arn));
    if (!target || target == q || target->settings.fifo != s->fifo) return false;
    queue_take_out(q, m);
    free(m->dead_letter_source);
    m->dead_letter_source = text_copy(text_of(q->arn));
    int64_t now_ms = clock_now_ms(&q->account->clock);
    if (s->fifo)
        m->sent_ms = now_ms; /* FIFO queues restart the retention period, standard queues do not */
    queue_insert(target, m, now_ms);
    q->redriven++;
    return true;
}

void queue_handle_of(const struct queue *q, const struct message *m, struct buf *out)
{
    struct handle h = {q->uid, m->uid, m->receive_count};
    handle_write(out, &h);
}
