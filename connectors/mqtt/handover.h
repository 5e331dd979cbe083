/* Batches on their way to one loop: any number of threads push notes, the loop takes all that came
 * since with one wake-up. Paho's threads, the MQTT thread and the pipelines speak to each other
 * only through these. Thread: handover_push() any; take() the loop's. Owner: a note belongs to the
 * handover from the push until take() gets it. */
#ifndef MQTT_HANDOVER_H
#define MQTT_HANDOVER_H

#include <pthread.h>

#include "bridge/loop.h"

/* The first member of whatever is handed over. */
struct note {
    struct note *next;
    int kind; /* the two ends' own */
};

struct handover {
    pthread_mutex_t lock;
    struct note *first, *last;
    bool posted;
    struct post post;
    struct loop *loop;
    void (*take)(void *arg, struct note *notes); /* in the order of their pushes, next NULL at the
                                                    end; may free the handover */
    void *arg;
};

void handover_init(struct handover *h, struct loop *loop,
                   void (*take)(void *arg, struct note *notes), void *arg);
void handover_push(struct handover *h, struct note *note);
void handover_push_chain(struct handover *h, struct note *first, struct note *last);

/* Adds a note without waking the loop, which handover_wake() does: for those who have more to come.
 */
void handover_add(struct handover *h, struct note *note);
void handover_wake(struct handover *h);

/* Nobody pushes any more, and all that was pushed has been taken. */
void handover_release(struct handover *h);

#endif
