/* Lanes that the back holds, since one of their messages is stuck: when it is the turn of what else
 * there is of them, it is passed over, so that others go on. The first of it stays in memory
 * (parked), the rest on disk only, and is read for its lane alone when that goes on. Of such a lane
 * memory has, in this order: what is parked, and what is in ready; and nothing from `from` on. */
#include <stdlib.h>

#include "bridge/store_private.h"

enum {
    MAX_SHELVES = 4096, /* one more waits at the head of all, as if it could not be held */
    PARKED_MESSAGES = 1024,
    SCAN_IDS = 20000, /* of one read for a lane: the writer is to be free again soon */
};

/* ---- the table ---- */

static struct store_shelf **place_of(struct store *s, uint32_t lane)
{
    struct store_shelf **at = &s->shelves.buckets[(lane ^ lane >> 16) % STORE_SHELF_BUCKETS];
    while (*at && (*at)->lane != lane)
        at = &(*at)->next;
    return at;
}

struct store_shelf *store_shelf_of(struct store *s, uint32_t lane)
{
    return s->shelves.count ? *place_of(s, lane) : NULL;
}

static struct store_shelf *shelf_make(struct store *s, uint32_t lane)
{
    struct store_shelf **at = place_of(s, lane);
    if (*at || s->shelves.count == MAX_SHELVES) return *at;
    *at = mem_zalloc(sizeof(**at));
    (*at)->lane = lane;
    s->shelves.count++;
    return *at;
}

static void remove_if_done(struct store *s, struct store_shelf *shelf)
{
    if (shelf->held || shelf->from) return;
    *place_of(s, shelf->lane) = shelf->next;
    s->shelves.count--;
    free(shelf);
}

/* ---- passing over ---- */

static bool must_stay_on_disk(const struct store *s, const struct store_shelf *shelf,
                              const struct store_entry *e)
{
    if (!e->id || e->writing) return false; /* it has no row yet */
    if (shelf->from) return e->id >= shelf->from;
    return s->shelves.parked >= PARKED_MESSAGES || s->shelves.parked_bytes >= s->ready_max_bytes;
}

/* What else of it is in memory would be read a second time. */
static void clear_ready(struct store *s, const struct store_shelf *shelf)
{
    struct store_list kept = {0};
    struct store_entry *e;
    while ((e = store_list_pop(&s->ready))) {
        if (e->lane != shelf->lane || !e->id || e->id < shelf->from) {
            store_list_push(&kept, e);
            continue;
        }
        s->late -= e->late;
        store_entry_let_go(e);
    }
    s->ready = kept;
}

void store_shelve(struct store *s, struct store_shelf *shelf, struct store_entry *e)
{
    if (!must_stay_on_disk(s, shelf, e)) {
        store_list_push(&shelf->parked, e);
        s->shelves.parked++;
        s->shelves.parked_bytes += e->bytes;
        return;
    }
    if (!shelf->from) {
        shelf->from = e->id;
        s->shelves.on_disk++;
        clear_ready(s, shelf);
    }
    store_entry_let_go(e);
}

/* In front: what else of the lane is in ready came after it. */
static void unpark(struct store *s, struct store_shelf *shelf)
{
    struct store_list rest = s->ready;
    struct store_entry *e;
    if (!shelf->parked.head) return;
    s->ready = (struct store_list){0};
    while ((e = store_list_pop(&shelf->parked))) {
        s->shelves.parked--;
        s->shelves.parked_bytes -= e->bytes;
        store_push_late(s, e);
    }
    store_list_append(&s->ready, &rest);
}

void store_hold(struct source *base, uint32_t lane, bool held)
{
    struct store *s = ((struct store_source *)base)->store;
    if (s->conf->store_full == STORE_DROP_OLDEST) return; /* which goes by the order of rows */
    struct store_shelf *shelf = held ? shelf_make(s, lane) : store_shelf_of(s, lane);
    if (!shelf) return;
    shelf->held = held;
    if (held) return;
    unpark(s, shelf);
    remove_if_done(s, shelf);
    store_wake(s);
}

void store_shelves_unpark(struct store *s)
{
    for (size_t i = 0; i < STORE_SHELF_BUCKETS; i++)
        for (struct store_shelf *shelf = s->shelves.buckets[i]; shelf; shelf = shelf->next)
            unpark(s, shelf);
}

void store_shelves_free(struct store *s)
{
    store_shelves_unpark(s);
    for (size_t i = 0; i < STORE_SHELF_BUCKETS; i++)
        for (struct store_shelf *shelf = s->shelves.buckets[i], *next; shelf; shelf = next) {
            next = shelf->next;
            free(shelf);
        }
}

/* ---- reading on ---- */

static struct store_shelf *to_be_read(const struct store *s)
{
    for (size_t i = 0; s->shelves.on_disk && i < STORE_SHELF_BUCKETS; i++)
        for (struct store_shelf *shelf = s->shelves.buckets[i]; shelf; shelf = shelf->next)
            if (shelf->from && !shelf->held) return shelf;
    return NULL;
}

bool store_shelf_is_due(const struct store *s)
{
    return to_be_read(s) != NULL;
}

/* Up to where all have been read, or passed over; the rows of this round are not among them. */
void store_shelf_begin_read(struct store *s, int64_t first_of_round)
{
    const struct store_shelf *shelf = to_be_read(s);
    struct store_round *r = &s->round;
    int64_t end = s->behind ? s->next_read : first_of_round;
    r->read_from = shelf->from;
    r->read.lane = shelf->lane;
    r->read.before = end < shelf->from + SCAN_IDS ? end : shelf->from + SCAN_IDS;
    s->shelves.caught_up_at = end;
}

void store_shelf_end_read(struct store *s)
{
    struct store_reading *r = &s->round.read;
    struct store_shelf *shelf = store_shelf_of(s, r->lane);
    shelf->from = s->round.result == STORE_DONE && r->end ? r->before : r->next;
    for (size_t i = 0; i < r->count; i++)
        store_push_late(s, store_entry_of_row(&r->rows[i]));
    if (shelf->from < s->shelves.caught_up_at) return;
    shelf->from = 0;
    s->shelves.on_disk--;
    remove_if_done(s, shelf);
}
