#include "tests/sim/account.h"

#include "tests/sim/queue.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    NAME_REST_MS = 60000,
};

struct grave {
    struct link link;
    int64_t at_ms;
    char *name;
};

void account_init(struct account *a, const char *region, uint64_t seed)
{
    *a = (struct account){.region = region, .chance = {seed}, .max_in_flight = 120000};
    /* Sequence numbers have 20 digits on AWS; they are compared as text by length, then bytes. */
    a->last_sequence = 10000000000000000000ull;
    list_init(&a->deleted);
    clock_start(&a->clock);
}

static void forget_name(struct grave *g)
{
    list_remove(&g->link);
    free(g->name);
    free(g);
}

void account_clear(struct account *a)
{
    size_t n = 0;
    struct queue **queues = account_sorted(a, &n);
    for (size_t i = 0; i < n; i++) {
        table_remove(&a->queues, &queues[i]->by_name);
        queue_destroy(queues[i]);
    }
    free(queues);
    while (!list_empty(&a->deleted))
        forget_name(LIST_ENTRY(a->deleted.next, struct grave, link));
}

void account_free(struct account *a)
{
    account_clear(a);
    table_free(&a->queues);
}

struct queue *account_find(const struct account *a, struct text name)
{
    struct table_node *node = table_find(&a->queues, name);
    return node ? LIST_ENTRY(node, struct queue, by_name) : NULL;
}

struct queue *account_find_arn(const struct account *a, struct text arn)
{
    char prefix[128];
    snprintf(prefix, sizeof(prefix), "arn:aws:sqs:%s:" ACCOUNT_ID ":", a->region);
    struct text start = text_of(prefix);
    if (!text_starts(arn, prefix)) return NULL;
    return account_find(a, (struct text){arn.ptr + start.len, arn.len - start.len});
}

struct queue *account_add(struct account *a, struct text name)
{
    struct queue *q = queue_create(a, name);
    table_add(&a->queues, &q->by_name, text_of(q->name));
    return q;
}

void account_delete(struct account *a, struct queue *q)
{
    struct grave *g = mem_alloc(sizeof(*g));
    g->at_ms = clock_now_ms(&a->clock);
    g->name = text_copy(text_of(q->name));
    list_add_tail(&a->deleted, &g->link);
    table_remove(&a->queues, &q->by_name);
    queue_destroy(q);
}

bool account_name_free(struct account *a, struct text name, struct api_error *e)
{
    int64_t now_ms = clock_now_ms(&a->clock);
    for (struct link *node = a->deleted.next, *next; node != &a->deleted; node = next) {
        next = node->next;
        struct grave *g = LIST_ENTRY(node, struct grave, link);
        if (now_ms - g->at_ms >= NAME_REST_MS)
            forget_name(g);
        else if (text_is(name, g->name))
            return api_fail(e, API_QUEUE_DELETED_RECENTLY,
                            "You must wait 60 seconds after deleting a queue before you can create "
                            "another with the same name.");
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    struct queue *const *left = a, *const *right = b;
    return text_compare(text_of((*left)->name), text_of((*right)->name));
}

struct queue **account_sorted(const struct account *a, size_t *n)
{
    struct queue **queues = mem_alloc((a->queues.count + 1) * sizeof(struct queue *));
    *n = 0;
    for (struct table_node *node = NULL; (node = table_next(&a->queues, node));)
        queues[(*n)++] = LIST_ENTRY(node, struct queue, by_name);
    if (*n) qsort(queues, *n, sizeof(struct queue *), by_name);
    return queues;
}
