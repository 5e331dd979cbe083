#include "bridge/store_writer.h"

#include <pthread.h>
#include <stdlib.h>

#include "bridge/log.h"

struct store_writer {
    struct store_disk *disk;
    struct loop *loop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct store_round *round;
    bool stop;
};

/* NULL: it is over. Before it waits there is a little to look at. */
static struct store_round *next_round(struct store_writer *w)
{
    bool more = store_disk_check_some(w->disk);
    pthread_mutex_lock(&w->lock);
    while (!w->round && !w->stop) {
        if (!more) pthread_cond_wait(&w->change, &w->lock);
        if (!more) continue;
        pthread_mutex_unlock(&w->lock);
        more = store_disk_check_some(w->disk);
        pthread_mutex_lock(&w->lock);
    }
    struct store_round *r = w->round;
    w->round = NULL;
    pthread_mutex_unlock(&w->lock);
    return r;
}

static void *run(void *arg)
{
    struct store_writer *w = arg;
    struct store_round *r;
    while ((r = next_round(w))) {
        store_disk_round(w->disk, r);
        loop_post(w->loop, &r->post);
    }
    store_disk_close(w->disk);
    return NULL;
}

struct store_writer *store_writer_start(struct store_disk *disk, struct loop *loop)
{
    struct store_writer *w = mem_zalloc(sizeof(*w));
    w->disk = disk;
    w->loop = loop;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->change, NULL);
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        log_error("sqsbridge", "cannot create the thread of a store (check the limits on "
                               "processes)");
        abort();
    }
    return w;
}

void store_writer_run(struct store_writer *w, struct store_round *r)
{
    pthread_mutex_lock(&w->lock);
    w->round = r;
    pthread_cond_signal(&w->change);
    pthread_mutex_unlock(&w->lock);
}

void store_writer_stop(struct store_writer *w)
{
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->change);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->change);
    free(w);
}
