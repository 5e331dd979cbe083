#include "tests/model/explore.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/model/seen.h"

/* A state to look at: the event that led to it, and the state before. */
struct node {
    struct event event;
    uint32_t parent; /* index + 1; 0: the beginning */
    uint32_t depth;
};

struct search {
    const struct model_conf *conf;
    struct seen seen;
    struct node *nodes;
    size_t count, capacity;
    struct explored result;
};

/* ---- the way to here, for whoever breaks a promise ---- */

enum { MAX_DEPTH = 512 };
static const struct model_conf *running;
static struct event way[MAX_DEPTH];
static size_t way_length;

_Noreturn void world_complain(const char *promise)
{
    static const char *const names[] = {"turn", "emit",   "acknowledge", "confirm", "retry",
                                        "away", "reject", "sink",        "timer",   "stop"};
    fprintf(stderr, "%s: broken: %s\nafter:\n", running->name, promise);
    for (size_t i = 0; i < way_length; i++)
        fprintf(stderr, "  %s %u %u\n", names[way[i].kind], way[i].a, way[i].b);
    abort();
}

static void apply(struct world *w, struct event e)
{
    if (way_length == MAX_DEPTH) world_complain("MAX_DEPTH is too small");
    way[way_length++] = e;
    world_apply(w, e);
}

static void replay(struct world *w, const struct search *s, size_t at)
{
    struct event events[MAX_DEPTH];
    size_t n = 0;
    for (; at; at = s->nodes[at - 1].parent)
        events[n++] = s->nodes[at - 1].event;
    way_length = 0;
    world_open(w, s->conf);
    while (n)
        apply(w, events[--n]);
}

/* ---- the search ---- */

static void push(struct search *s, struct event e, size_t parent)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 1024;
        s->nodes = mem_realloc(s->nodes, s->capacity * sizeof(s->nodes[0]));
    }
    uint32_t depth = parent ? s->nodes[parent - 1].depth + 1 : 1;
    s->nodes[s->count++] = (struct node){e, (uint32_t)parent, depth};
    if (depth > s->result.deepest) s->result.deepest = depth;
}

static void finish(struct world *w)
{
    world_finish(w);
    world_close(w);
}

static void try_event(struct search *s, size_t at, struct event e)
{
    struct world w;
    replay(&w, s, at);
    apply(&w, e);
    s->result.events++;
    if (seen_add(&s->seen, world_signature(&w))) push(s, e, at);
    finish(&w);
}

static void look_at(struct search *s, size_t at)
{
    struct world w;
    struct event events[MAX_EVENTS];
    replay(&w, s, at);
    size_t count = world_events(&w, events);
    finish(&w);
    for (size_t i = 0; i < count; i++)
        try_event(s, at, events[i]);
}

struct explored explore(const struct model_conf *conf, size_t most)
{
    struct search s = {.conf = conf};
    running = conf;
    look_at(&s, 0);
    for (size_t i = 0; i < s.count && (!most || i < most); i++)
        look_at(&s, i + 1);
    s.result.states = s.seen.count;
    if (most && s.count > most) s.result.states = 0; /* not all of them */
    seen_free(&s.seen);
    free(s.nodes);
    return s.result;
}
