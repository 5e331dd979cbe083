#include "tests/sim/fifo.h"

#include "tests/sim/queue.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

/* One message in the deduplication window. */
struct seen {
    struct table_node by_key;
    struct link order;
    int64_t at_ms;
    uint64_t sequence;
    char id[37];
    char *key;
};

/* What one receive with an attempt id returned. */
struct attempt {
    struct table_node by_id;
    struct link order;
    int64_t at_ms;
    char *id;
    size_t n;
    struct {
        uint64_t uid;
        unsigned generation;
        int64_t visible_ms;
    } messages[FIFO_ATTEMPT_MAX];
};

void fifo_init(struct fifo *f)
{
    list_init(&f->open);
    list_init(&f->seen_order);
    list_init(&f->attempts_order);
}

static void forget_seen(struct fifo *f, struct seen *s)
{
    table_remove(&f->seen, &s->by_key);
    list_remove(&s->order);
    free(s->key);
    free(s);
}

static void forget_attempt(struct fifo *f, struct attempt *a)
{
    table_remove(&f->attempts, &a->by_id);
    list_remove(&a->order);
    free(a->id);
    free(a);
}

static void forget_before(struct fifo *f, int64_t limit_ms)
{
    while (!list_empty(&f->seen_order)) {
        struct seen *s = LIST_ENTRY(f->seen_order.next, struct seen, order);
        if (s->at_ms > limit_ms) break;
        forget_seen(f, s);
    }
    while (!list_empty(&f->attempts_order)) {
        struct attempt *a = LIST_ENTRY(f->attempts_order.next, struct attempt, order);
        if (a->at_ms > limit_ms) break;
        forget_attempt(f, a);
    }
}

void fifo_free(struct fifo *f)
{
    forget_before(f, INT64_MAX);
    table_free(&f->groups);
    table_free(&f->seen);
    table_free(&f->attempts);
}

static struct message *first_of(const struct group *g)
{
    return list_empty(&g->messages) ? NULL : LIST_ENTRY(g->messages.next, struct message, waiting);
}

void fifo_refresh(struct fifo *f, struct group *g)
{
    const struct message *first = first_of(g);
    bool open = first && first->state == MESSAGE_READY;
    if (open && !g->is_open) list_add_tail(&f->open, &g->open);
    if (!open && g->is_open) list_remove(&g->open);
    g->is_open = open;
}

static struct group *group_for(struct fifo *f, struct text id)
{
    struct table_node *node = table_find(&f->groups, id);
    if (node) return LIST_ENTRY(node, struct group, by_id);
    struct group *g = mem_alloc(sizeof(*g));
    g->id = text_copy(id);
    list_init(&g->messages);
    list_init(&g->open);
    table_add(&f->groups, &g->by_id, text_of(g->id));
    return g;
}

void fifo_join(struct fifo *f, struct message *m)
{
    m->group_of = group_for(f, m->group);
    list_add_tail(&m->group_of->messages, &m->waiting);
    fifo_refresh(f, m->group_of);
}

void fifo_leave(struct fifo *f, struct message *m)
{
    struct group *g = m->group_of;
    m->group_of = NULL;
    list_remove(&m->waiting);
    fifo_refresh(f, g);
    if (!list_empty(&g->messages)) return;
    table_remove(&f->groups, &g->by_id);
    free(g->id);
    free(g);
}

static struct message *first_open(const struct fifo *f, const struct link *node)
{
    return node == &f->open ? NULL : first_of(LIST_ENTRY(node, struct group, open));
}

struct message *fifo_next(const struct fifo *f, const struct message *after)
{
    if (!after) return first_open(f, f->open.next);
    const struct group *g = after->group_of;
    if (after->waiting.next != &g->messages) {
        struct message *m = LIST_ENTRY(after->waiting.next, struct message, waiting);
        if (m->state == MESSAGE_READY) return m;
    }
    return first_open(f, g->open.next);
}

static void add_body_hash(struct buf *key, struct text body)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    EVP_Digest(body.ptr, body.len, digest, &len, EVP_sha256(), NULL);
    text_to_hex(digest, len, hex);
    buf_add_text(key, text_of(hex));
}

/* An id cannot hold a space, so one separates the group from it. */
static char *dedup_key(const struct queue *q, const struct draft *d)
{
    struct buf key = {0};
    if (settings_dedup_per_group(&q->settings)) {
        buf_add_text(&key, d->group);
        buf_add_char(&key, ' ');
    }
    if (d->dedup.ptr)
        buf_add_text(&key, d->dedup);
    else
        add_body_hash(&key, d->body);
    buf_add_char(&key, 0);
    return key.ptr;
}

bool fifo_is_duplicate(struct queue *q, const struct draft *d, struct sent *out, int64_t now_ms)
{
    struct fifo *f = &q->fifo;
    forget_before(f, now_ms - FIFO_WINDOW_MS);
    char *key = dedup_key(q, d);
    struct table_node *node = table_find(&f->seen, text_of(key));
    if (node) {
        const struct seen *first = LIST_ENTRY(node, struct seen, by_key);
        memcpy(out->id, first->id, sizeof(out->id));
        out->sequence = first->sequence;
        out->duplicate = true;
        free(key);
        return true;
    }
    struct seen *s = mem_alloc(sizeof(*s));
    *s = (struct seen){.at_ms = now_ms, .sequence = out->sequence, .key = key};
    memcpy(s->id, out->id, sizeof(s->id));
    table_add(&f->seen, &s->by_key, text_of(s->key));
    list_add_tail(&f->seen_order, &s->order);
    return false;
}

static struct attempt *find_attempt(const struct fifo *f, struct text id)
{
    struct table_node *node = table_find(&f->attempts, id);
    return node ? LIST_ENTRY(node, struct attempt, by_id) : NULL;
}

void fifo_remember(struct queue *q, struct text id, struct message *const *m, size_t n,
                   int64_t now_ms)
{
    struct fifo *f = &q->fifo;
    struct attempt *a = find_attempt(f, id);
    if (a) forget_attempt(f, a);
    a = mem_alloc(sizeof(*a));
    a->at_ms = now_ms;
    a->id = text_copy(id);
    a->n = n;
    for (size_t i = 0; i < n; i++) {
        a->messages[i].uid = m[i]->uid;
        a->messages[i].generation = m[i]->receive_count;
        a->messages[i].visible_ms = m[i]->visible_ms;
    }
    table_add(&f->attempts, &a->by_id, text_of(a->id));
    list_add_tail(&f->attempts_order, &a->order);
}

size_t fifo_recall(struct queue *q, struct text id, struct message **out, int64_t now_ms)
{
    forget_before(&q->fifo, now_ms - FIFO_WINDOW_MS);
    const struct attempt *a = find_attempt(&q->fifo, id);
    for (size_t i = 0; a && i < a->n; i++) {
        const uint64_t *uid = &a->messages[i].uid;
        struct table_node *node =
            table_find(&q->by_uid, (struct text){(const char *)uid, sizeof(*uid)});
        struct message *m = node ? LIST_ENTRY(node, struct message, by_uid) : NULL;
        if (!m || m->state != MESSAGE_IN_FLIGHT || m->receive_count != a->messages[i].generation ||
            m->visible_ms != a->messages[i].visible_ms)
            return 0;
        out[i] = m;
    }
    return a ? a->n : 0;
}
