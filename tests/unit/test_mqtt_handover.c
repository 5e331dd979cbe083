/* Many threads hand notes over to one loop. Under ThreadSanitizer this is the proof that the ways
 * between Paho's threads, the MQTT thread and the pipelines are clean. */
#include "connectors/mqtt/handover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { THREADS = 4, NOTES = 18000, LAST = -1 };

struct numbered {
    struct note note;
    unsigned thread, number;
};

struct taker {
    struct handover handover;
    struct loop *loop;
    unsigned next[THREADS];
    unsigned taken, batches;
    bool in_order, ended;
};

static void take(void *arg, struct note *notes)
{
    struct taker *t = arg;
    t->batches++;
    while (notes) {
        struct note *next = notes->next;
        struct numbered *n = (struct numbered *)notes;
        if (notes->kind == LAST) {
            t->ended = true;
            loop_stop(t->loop);
        } else {
            t->in_order &= t->next[n->thread]++ == n->number;
            t->taken++;
        }
        free(notes);
        notes = next;
    }
}

struct giver {
    struct taker *to;
    unsigned thread;
};

static struct numbered *make(unsigned thread, unsigned number)
{
    struct numbered *n = mem_zalloc(sizeof(*n));
    n->thread = thread;
    n->number = number;
    return n;
}

/* One by one and in pairs. */
static void *give(void *arg)
{
    struct giver *g = arg;
    for (unsigned i = 0; i < NOTES; i += 3) {
        struct numbered *first = make(g->thread, i + 1), *last = make(g->thread, i + 2);
        handover_push(&g->to->handover, &make(g->thread, i)->note);
        first->note.next = &last->note;
        handover_push_chain(&g->to->handover, &first->note, &last->note);
    }
    return NULL;
}

static void *run(void *arg)
{
    loop_run(arg);
    return NULL;
}

static void test_every_note_arrives_in_the_order_of_its_thread(void **state)
{
    (void)state;
    struct taker t = {.loop = loop_create(), .in_order = true};
    struct giver givers[THREADS];
    pthread_t loop_thread, threads[THREADS];
    handover_init(&t.handover, t.loop, take, &t);
    pthread_create(&loop_thread, NULL, run, t.loop);
    for (unsigned i = 0; i < THREADS; i++) {
        givers[i] = (struct giver){&t, i};
        pthread_create(&threads[i], NULL, give, &givers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct note *last = mem_zalloc(sizeof(*last));
    last->kind = LAST;
    handover_push(&t.handover, last);
    pthread_join(loop_thread, NULL);
    handover_release(&t.handover);
    loop_destroy(t.loop);
    assert_true(t.ended);
    assert_true(t.in_order);
    assert_int_equal(t.taken, THREADS * NOTES);
    assert_true(t.batches <= t.taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_note_arrives_in_the_order_of_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
