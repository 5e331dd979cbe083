#include "connectors/mqtt/lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { STACK_BYTES = 512 * 1024 }; /* name service modules may be anything */

struct lookup {
    struct loop *loop;
    struct post post;
    char *host;
    struct lookup_answer answer;
    void (*done)(void *arg, const struct lookup_answer *answer); /* NULL: cancelled */
    void *arg;
};

static void on_answer(struct post *post)
{
    struct lookup *l = (struct lookup *)((char *)post - offsetof(struct lookup, post));
    if (l->done) l->done(l->arg, &l->answer);
    free(l->host);
    free(l);
}

static void keep(struct lookup_answer *answer, const struct addrinfo *found)
{
    for (; found && answer->count < LOOKUP_MAX_ADDRESSES; found = found->ai_next)
        if (getnameinfo(found->ai_addr, found->ai_addrlen, answer->addresses[answer->count],
                        LOOKUP_ADDRESS_BYTES, NULL, 0, NI_NUMERICHOST) == 0)
            answer->count++;
}

static void *ask(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    int rc = getaddrinfo(l->host, NULL, &hints, &found);
    if (rc == 0) {
        keep(&l->answer, found);
        freeaddrinfo(found);
    }
    l->answer.error = rc ? gai_strerror(rc) : "no address";
    loop_post(l->loop, &l->post);
    return NULL;
}

static bool is_numeric(const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0) return false;
    freeaddrinfo(found);
    return true;
}

static void answer_numeric(struct lookup *l)
{
    snprintf(l->answer.addresses[0], LOOKUP_ADDRESS_BYTES, "%s", l->host);
    l->answer.count = 1;
    loop_post(l->loop, &l->post);
}

static void begin_asking(struct lookup *l)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attr, ask, l);
    pthread_attr_destroy(&attr);
    if (rc == 0) return;
    l->answer.error = "no thread to ask with";
    loop_post(l->loop, &l->post);
}

struct lookup *lookup_start(struct loop *loop, const char *host,
                            void (*done)(void *arg, const struct lookup_answer *answer), void *arg)
{
    struct lookup *l = mem_zalloc(sizeof(*l));
    *l = (struct lookup){.loop = loop, .post = {.run = on_answer}, .done = done, .arg = arg};
    l->host = mem_strdup(host);
    if (is_numeric(host))
        answer_numeric(l);
    else
        begin_asking(l);
    return l;
}

void lookup_cancel(struct lookup *l)
{
    if (l) l->done = NULL;
}
