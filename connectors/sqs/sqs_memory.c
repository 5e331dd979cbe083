#include "connectors/sqs/sqs_memory.h"

#include <stdlib.h>

#include "bridge/text.h"

struct sqs_remembered {
    uint64_t hash, forget_ms;
    struct sqs_remembered *bucket_next;
    TAILQ_ENTRY(sqs_remembered) entry;
    size_t len;
    char id[];
};

void sqs_memory_init(struct sqs_memory *m, size_t max, uint64_t keep_ms)
{
    size_t buckets = 1;
    while (buckets < max)
        buckets *= 2;
    *m = (struct sqs_memory){.mask = buckets - 1, .max = max, .keep_ms = keep_ms};
    m->buckets = mem_zalloc(buckets * sizeof(struct sqs_remembered *));
    TAILQ_INIT(&m->list);
}

static struct sqs_remembered **bucket_of(const struct sqs_memory *m, uint64_t hash)
{
    return &m->buckets[hash & m->mask];
}

static void unlink_entry(struct sqs_memory *m, struct sqs_remembered *r)
{
    struct sqs_remembered **at = bucket_of(m, r->hash);
    while (*at != r)
        at = &(*at)->bucket_next;
    *at = r->bucket_next;
    TAILQ_REMOVE(&m->list, r, entry);
    m->count--;
}

void sqs_memory_free(struct sqs_memory *m)
{
    struct sqs_remembered *r;
    while ((r = TAILQ_FIRST(&m->list))) {
        unlink_entry(m, r);
        free(r);
    }
    free(m->buckets);
}

/* What is forgotten for it is used again: at full load one goes for each that comes. */
static struct sqs_remembered *make_room(struct sqs_memory *m, size_t len, uint64_t now_ms)
{
    struct sqs_remembered *unused = NULL, *oldest;
    while ((oldest = TAILQ_FIRST(&m->list)) &&
           (m->count >= m->max || oldest->forget_ms <= now_ms)) {
        unlink_entry(m, oldest);
        free(unused);
        unused = oldest;
    }
    return mem_realloc(unused, sizeof(*unused) + len);
}

void sqs_memory_add(struct sqs_memory *m, struct bytes id, uint64_t now_ms)
{
    struct sqs_remembered *r = make_room(m, id.len, now_ms);
    r->hash = text_hash(id);
    r->forget_ms = now_ms + m->keep_ms;
    r->len = id.len;
    memcpy(r->id, id.ptr, id.len);
    struct sqs_remembered **bucket = bucket_of(m, r->hash);
    r->bucket_next = *bucket;
    *bucket = r;
    TAILQ_INSERT_TAIL(&m->list, r, entry);
    m->count++;
}

bool sqs_memory_take(struct sqs_memory *m, struct bytes id)
{
    if (!m->count) return false;
    uint64_t hash = text_hash(id);
    struct sqs_remembered *r = *bucket_of(m, hash);
    while (r && !(r->hash == hash && bytes_eq(bytes_of(r->id, r->len), id)))
        r = r->bucket_next;
    if (!r) return false;
    unlink_entry(m, r);
    free(r);
    return true;
}
