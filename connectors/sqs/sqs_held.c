#include "connectors/sqs/sqs_held.h"

#include <assert.h>
#include <stdlib.h>

#include "bridge/text.h"

enum { FIRST_BUCKETS = 256 };

void sqs_held_init(struct sqs_held_table *t)
{
    *t = (struct sqs_held_table){.mask = FIRST_BUCKETS - 1, .next_seq = 1};
    t->buckets = mem_zalloc(FIRST_BUCKETS * sizeof(struct sqs_held *));
    TAILQ_INIT(&t->unused);
}

static void free_entry(struct sqs_held *h)
{
    free(h->text.ptr);
    free(h);
}

void sqs_held_free(struct sqs_held_table *t)
{
    struct sqs_held *h;
    for (size_t i = 0; i <= t->mask && t->buckets; i++)
        while ((h = t->buckets[i])) {
            t->buckets[i] = h->bucket_next;
            free_entry(h);
        }
    while ((h = TAILQ_FIRST(&t->unused))) {
        TAILQ_REMOVE(&t->unused, h, queue);
        free_entry(h);
    }
    free(t->buckets);
}

/* ---- the table ---- */

struct bytes sqs_held_id(const struct sqs_held *h)
{
    return bytes_of(h->text.ptr, h->id_len);
}

struct bytes sqs_held_handle(const struct sqs_held *h)
{
    return bytes_of(h->text.ptr + h->id_len, h->text.len - h->id_len);
}

struct sqs_held *sqs_held_find(const struct sqs_held_table *t, struct bytes id)
{
    uint64_t hash = text_hash(id);
    struct sqs_held *h = t->buckets[hash & t->mask];
    while (h && !(h->hash == hash && bytes_eq(sqs_held_id(h), id)))
        h = h->bucket_next;
    return h;
}

static void link_bucket(struct sqs_held_table *t, struct sqs_held *h)
{
    struct sqs_held **bucket = &t->buckets[h->hash & t->mask];
    h->bucket_next = *bucket;
    *bucket = h;
}

static void grow(struct sqs_held_table *t)
{
    struct sqs_held **old = t->buckets, *h;
    size_t old_size = t->mask + 1;
    t->buckets = mem_zalloc(2 * old_size * sizeof(struct sqs_held *));
    t->mask = 2 * old_size - 1;
    for (size_t i = 0; i < old_size; i++)
        while ((h = old[i])) {
            old[i] = h->bucket_next;
            link_bucket(t, h);
        }
    free(old);
}

static struct sqs_held *take_unused(struct sqs_held_table *t)
{
    struct sqs_held *h = TAILQ_FIRST(&t->unused);
    if (!h) return mem_zalloc(sizeof(*h));
    TAILQ_REMOVE(&t->unused, h, queue);
    struct buf text = h->text;
    text.len = 0;
    *h = (struct sqs_held){.text = text};
    return h;
}

/* To the byte: there may be a hundred thousand of them, and handles hardly differ in length. */
static void set_handle(struct sqs_held *h, struct bytes handle)
{
    size_t len = h->id_len + handle.len;
    h->text.len = h->id_len;
    if (h->text.cap < len) {
        h->text.ptr = mem_realloc(h->text.ptr, len);
        h->text.cap = len;
    }
    buf_add(&h->text, handle.ptr, handle.len);
}

struct sqs_held *sqs_held_add(struct sqs_held_table *t, struct bytes id, struct bytes handle)
{
    struct sqs_held *h = take_unused(t);
    h->hash = text_hash(id);
    h->seq = t->next_seq++;
    h->group_next = h->group_prev = h;
    h->id_len = id.len;
    set_handle(h, handle);
    memcpy(h->text.ptr, id.ptr, id.len);
    if (++t->count > t->mask) grow(t);
    link_bucket(t, h);
    return h;
}

void sqs_held_set_handle(struct sqs_held *h, struct bytes handle)
{
    set_handle(h, handle);
    h->handle_version++;
}

/* ---- groups ---- */

void sqs_held_join(struct sqs_held *h, struct sqs_held *mate)
{
    if (h->group_next != h) return; /* it came again, and has its ring */
    h->group_prev = mate;
    h->group_next = mate->group_next;
    mate->group_next->group_prev = h;
    mate->group_next = h;
}

struct sqs_held *sqs_held_first_of_group(struct sqs_held *h)
{
    struct sqs_held *first = h;
    for (struct sqs_held *m = h->group_next; m != h; m = m->group_next)
        if (m->seq < first->seq) first = m;
    return first;
}

static void leave_group(struct sqs_held *h)
{
    h->group_prev->group_next = h->group_next;
    h->group_next->group_prev = h->group_prev;
    h->group_next = h->group_prev = h;
}

/* ---- the end of an entry ---- */

static void put_unused(struct sqs_held_table *t, struct sqs_held *h)
{
    TAILQ_INSERT_HEAD(&t->unused, h, queue);
}

void sqs_held_remove(struct sqs_held_table *t, struct sqs_held *h)
{
    assert(!h->beats && !h->receipt);
    struct sqs_held **at = &t->buckets[h->hash & t->mask];
    while (*at != h)
        at = &(*at)->bucket_next;
    *at = h->bucket_next;
    t->count--;
    leave_group(h);
    h->state = SQS_GONE;
    if (!h->refs) put_unused(t, h);
}

void sqs_held_ref(struct sqs_held *h)
{
    h->refs++;
}

void sqs_held_unref(struct sqs_held_table *t, struct sqs_held *h)
{
    assert(h->refs > 0);
    if (--h->refs == 0 && h->state == SQS_GONE) put_unused(t, h);
}
