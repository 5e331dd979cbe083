#include "connectors/kafka/window.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

static struct kafka_place *place_at(const struct kafka_window *w, uint64_t position)
{
    return &w->places[position & (w->capacity - 1)];
}

static void grow(struct kafka_window *w)
{
    struct kafka_window bigger = *w;
    bigger.capacity = w->capacity ? 2 * w->capacity : FIRST_CAPACITY;
    bigger.places = mem_alloc(bigger.capacity * sizeof(bigger.places[0]));
    for (uint64_t at = w->head; at < w->tail; at++)
        *place_at(&bigger, at) = *place_at(w, at);
    free(w->places);
    *w = bigger;
}

uint64_t kafka_window_push(struct kafka_window *w, int64_t offset, uint64_t now_ms)
{
    if (w->tail - w->head == w->capacity) grow(w);
    *place_at(w, w->tail) = (struct kafka_place){.offset = offset, .read_ms = now_ms};
    return w->tail++;
}

const struct kafka_place *kafka_window_oldest(const struct kafka_window *w)
{
    if (w->head == w->tail) return NULL;
    return place_at(w, w->done < w->tail ? w->done : w->head);
}

uint64_t kafka_window_confirm(struct kafka_window *w, uint64_t position, struct receipt *r)
{
    assert(position >= w->done && position < w->tail);
    place_at(w, position)->receipt = r;
    uint64_t before = w->done;
    while (w->done < w->tail && place_at(w, w->done)->receipt)
        w->done++;
    return w->done - before;
}

int64_t kafka_window_next_offset(const struct kafka_window *w)
{
    assert(w->done > w->head);
    return place_at(w, w->done - 1)->offset + 1;
}

struct receipt *kafka_window_pop(struct kafka_window *w)
{
    assert(w->head < w->sent && w->sent <= w->done);
    return place_at(w, w->head++)->receipt;
}

struct receipt *kafka_window_abandon(struct kafka_window *w)
{
    while (w->head < w->tail) {
        struct receipt *r = place_at(w, w->head++)->receipt;
        if (r) return r;
    }
    w->sent = w->done = w->head;
    return NULL;
}

uint64_t kafka_window_count(const struct kafka_window *w)
{
    return w->tail - w->head;
}

void kafka_window_free(struct kafka_window *w)
{
    free(w->places);
    *w = (struct kafka_window){0};
}
