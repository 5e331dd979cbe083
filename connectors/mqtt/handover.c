#include "connectors/mqtt/handover.h"

#include <stddef.h>

static struct note *take_all(struct handover *h)
{
    pthread_mutex_lock(&h->lock);
    struct note *notes = h->first;
    h->first = h->last = NULL;
    h->posted = false;
    pthread_mutex_unlock(&h->lock);
    return notes;
}

static void on_post(struct post *post)
{
    struct handover *h = (struct handover *)((char *)post - offsetof(struct handover, post));
    h->take(h->arg, take_all(h)); /* h may be gone now */
}

void handover_init(struct handover *h, struct loop *loop,
                   void (*take)(void *arg, struct note *notes), void *arg)
{
    *h = (struct handover){.loop = loop, .take = take, .arg = arg, .post = {.run = on_post}};
    pthread_mutex_init(&h->lock, NULL);
}

static void append(struct handover *h, struct note *first, struct note *last)
{
    last->next = NULL;
    if (h->last)
        h->last->next = first;
    else
        h->first = first;
    h->last = last;
}

/* Within the lock: the loop may free the handover as soon as it has the last note. */
static void wake(struct handover *h)
{
    if (!h->posted) loop_post(h->loop, &h->post);
    h->posted = true;
}

void handover_push_chain(struct handover *h, struct note *first, struct note *last)
{
    pthread_mutex_lock(&h->lock);
    append(h, first, last);
    wake(h);
    pthread_mutex_unlock(&h->lock);
}

void handover_push(struct handover *h, struct note *note)
{
    handover_push_chain(h, note, note);
}

void handover_add(struct handover *h, struct note *note)
{
    pthread_mutex_lock(&h->lock);
    append(h, note, note);
    pthread_mutex_unlock(&h->lock);
}

void handover_wake(struct handover *h)
{
    pthread_mutex_lock(&h->lock);
    if (h->first) wake(h);
    pthread_mutex_unlock(&h->lock);
}

void handover_release(struct handover *h)
{
    pthread_mutex_destroy(&h->lock);
}
