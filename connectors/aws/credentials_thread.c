#include "connectors/aws/credentials_thread.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "bridge/log.h"

/* One for the process, which is the point: see the header. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t left;
    struct provider_home *home; /* NULL: the thread does not run */
    unsigned entries, users;    /* entries without leave; of those, without a last post */
    pthread_t thread;
    bool to_join; /* a thread was made; where home is NULL it is at its end */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

/* On the thread. What is still closing comes back here when it is closed. */
static void consider_the_end(struct provider_home *home)
{
    pthread_mutex_lock(&shared.lock);
    bool over = !shared.entries && !home->open;
    pthread_mutex_unlock(&shared.lock);
    if (over) loop_stop(home->loop);
}

/* Somebody may have come while the loop stopped. Under the lock up to the last descriptor, so that
 * who finds no thread finds nothing of it. */
static bool end(struct provider_home *home)
{
    pthread_mutex_lock(&shared.lock);
    bool over = !shared.entries && !home->open;
    if (over) {
        loop_destroy(home->loop);
        free(home);
        shared.home = NULL;
    }
    pthread_mutex_unlock(&shared.lock);
    return over;
}

static void *run(void *arg)
{
    struct provider_home *home = arg;
    do
        loop_run(home->loop);
    while (!end(home));
    return NULL;
}

/* A process that exits while this thread is ending would take OpenSSL away from under it. Who ends
 * may close others that it asked, from the thread: they are not users that stay. */
static void join_at_exit(void)
{
    pthread_mutex_lock(&shared.lock);
    while (shared.entries > shared.users)
        pthread_cond_wait(&shared.left, &shared.lock);
    bool ending = shared.to_join && !shared.users;
    pthread_mutex_unlock(&shared.lock);
    if (ending) pthread_join(shared.thread, NULL);
}

static void prepare(void)
{
    /* Its own handler comes first, and so is called last. Without any option it registers none. */
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    atexit(join_at_exit);
}

/* Signals are the main thread's business. */
static void start_thread(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    sigset_t all, before;
    pthread_once(&once, prepare);
    if (shared.to_join) pthread_join(shared.thread, NULL); /* it no longer takes the lock */
    shared.home = mem_zalloc(sizeof(*shared.home));
    shared.home->loop = loop_create();
    shared.home->idle = consider_the_end;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&shared.thread, NULL, run, shared.home);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        log_error("sqsbridge", "cannot create a thread for credentials (check the limits on "
                               "processes)");
        abort();
    }
    shared.to_join = true;
}

struct provider_home *credentials_thread_enter(void)
{
    pthread_mutex_lock(&shared.lock);
    shared.entries++;
    shared.users++;
    if (!shared.home) start_thread();
    struct provider_home *home = shared.home;
    pthread_mutex_unlock(&shared.lock);
    return home;
}

void credentials_thread_post_last(struct post *post)
{
    pthread_mutex_lock(&shared.lock);
    shared.users--;
    loop_post(shared.home->loop, post);
    pthread_mutex_unlock(&shared.lock);
}

void credentials_thread_leave(void)
{
    pthread_mutex_lock(&shared.lock);
    struct provider_home *home = shared.home;
    shared.entries--;
    pthread_cond_broadcast(&shared.left);
    pthread_mutex_unlock(&shared.lock);
    consider_the_end(home);
}

bool credentials_thread_runs(void)
{
    pthread_mutex_lock(&shared.lock);
    bool runs = shared.home != NULL;
    pthread_mutex_unlock(&shared.lock);
    return runs;
}
