/* Receiving from a queue, and what receipt handles can do. */
#include "tests/sim/queue.h"

#include "tests/sim/handle.h"

/* Which shards a receive asks: all of them, but in --shuffle mode a short poll asks only some. */
static uint64_t shards_asked(struct queue *q, const struct receive *r)
{
    bool misses = q->account->shuffle && r->short_poll;
    return misses ? chance_next(&q->account->chance) | 1 : UINT64_MAX;
}

static struct message *pick_standard(struct queue *q, uint64_t asked)
{
    size_t start = q->account->shuffle ? chance_next(&q->account->chance) % QUEUE_SHARDS : 0;
    for (size_t i = 0; i < QUEUE_SHARDS; i++) {
        size_t shard = (start + i) % QUEUE_SHARDS;
        if ((asked >> shard & 1) && !list_empty(&q->shards[shard]))
            return LIST_ENTRY(q->shards[shard].next, struct message, waiting);
    }
    return NULL;
}

static void mark_received(struct message *m, int64_t now_ms)
{
    m->receive_count++;
    m->received_ms = now_ms;
    if (!m->first_received_ms) m->first_received_ms = now_ms;
}

/* Every message goes in flight first, so that none is picked twice in one receive. */
static size_t receive_standard(struct queue *q, const struct receive *r, int64_t visibility_s,
                               struct message **out)
{
    int64_t now_ms = clock_now_ms(&q->account->clock);
    uint64_t asked = shards_asked(q, r);
    size_t n = 0;
    for (struct message *m; n < r->max && (m = pick_standard(q, asked));) {
        if (queue_redrive(q, m)) continue;
        mark_received(m, now_ms);
        queue_set_state(q, m, MESSAGE_IN_FLIGHT, now_ms + visibility_s * 1000);
        out[n++] = m;
    }
    for (size_t i = 0; i < n; i++) {
        if (visibility_s == 0 || chance_hit(&q->account->chance, q->account->duplicate))
            queue_set_state(q, out[i], MESSAGE_READY, now_ms);
    }
    return n;
}

static size_t receive_fifo(struct queue *q, const struct receive *r, int64_t visibility_s,
                           struct message **out)
{
    int64_t now_ms = clock_now_ms(&q->account->clock);
    size_t n = r->attempt.ptr ? fifo_recall(q, r->attempt, out, now_ms) : 0;
    if (n) {
        for (size_t i = 0; i < n; i++)
            queue_set_state(q, out[i], MESSAGE_IN_FLIGHT, now_ms + visibility_s * 1000);
        fifo_remember(q, r->attempt, out, n, now_ms);
        return n;
    }
    for (struct message *m = fifo_next(&q->fifo, NULL), *next; m && n < r->max; m = next) {
        next = fifo_next(&q->fifo, m);
        if (!queue_redrive(q, m)) out[n++] = m;
    }
    for (size_t i = 0; i < n; i++) {
        mark_received(out[i], now_ms);
        if (visibility_s)
            queue_set_state(q, out[i], MESSAGE_IN_FLIGHT, now_ms + visibility_s * 1000);
    }
    if (n && r->attempt.ptr) fifo_remember(q, r->attempt, out, n, now_ms);
    return n;
}

bool queue_receive(struct queue *q, const struct receive *r, struct message **out, size_t *n)
{
    int64_t visibility_s = r->visibility_s >= 0 ? r->visibility_s : q->settings.visibility_s;
    queue_settle(q);
    *n = 0;
    if (q->in_flight >= q->account->max_in_flight)
        return q->settings.fifo; /* a FIFO queue answers with nothing instead of an error */
    *n = q->settings.fifo ? receive_fifo(q, r, visibility_s, out)
                          : receive_standard(q, r, visibility_s, out);
    q->received += *n;
    q->account->received += *n;
    return true;
}

static struct message *message_of(const struct queue *q, const struct handle *h)
{
    struct text uid = {(const char *)&h->message, sizeof(h->message)};
    struct table_node *node = table_find(&q->by_uid, uid);
    return node ? LIST_ENTRY(node, struct message, by_uid) : NULL;
}

/* The message of a handle; NULL and a verdict when the handle settles the matter by itself. */
static struct message *find(struct queue *q, struct text handle, enum handle_verdict *verdict)
{
    struct handle h;
    queue_settle(q);
    if (!handle_read(handle, &h) || h.queue != q->uid) {
        *verdict = HANDLE_GARBAGE;
        return NULL;
    }
    struct message *m = message_of(q, &h);
    bool newest = m && m->receive_count == h.generation;
    if (m && q->settings.fifo && (!newest || m->state != MESSAGE_IN_FLIGHT)) {
        *verdict = HANDLE_EXPIRED;
        return NULL;
    }
    *verdict = newest ? HANDLE_DONE : HANDLE_IGNORED;
    return newest ? m : NULL;
}

static bool is_stale(const struct queue *q, struct text handle)
{
    struct handle h;
    const struct message *m = handle_read(handle, &h) ? message_of(q, &h) : NULL;
    return m && m->receive_count != h.generation;
}

enum handle_verdict queue_delete(struct queue *q, struct text handle)
{
    enum handle_verdict verdict;
    struct message *m = find(q, handle, &verdict);
    if (!m) q->stale_deletes += is_stale(q, handle);
    if (!m) return verdict;
    queue_take_out(q, m);
    message_destroy(m);
    q->deleted++;
    q->account->deleted_messages++;
    return HANDLE_DONE;
}

enum handle_verdict queue_change_visibility(struct queue *q, struct text handle, int64_t timeout_s)
{
    enum handle_verdict verdict;
    struct message *m = find(q, handle, &verdict);
    if (!m) return verdict == HANDLE_IGNORED ? HANDLE_GONE : verdict;
    if (m->state != MESSAGE_IN_FLIGHT) return HANDLE_AT_REST;
    int64_t visible_ms = clock_now_ms(&q->account->clock) + timeout_s * 1000;
    if (visible_ms > m->received_ms + QUEUE_VISIBILITY_MAX_S * 1000LL) return HANDLE_TOO_LONG;
    queue_set_state(q, m, timeout_s ? MESSAGE_IN_FLIGHT : MESSAGE_READY, visible_ms);
    return HANDLE_DONE;
}
