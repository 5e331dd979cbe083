#include "connectors/mqtt/mqtt_thread.h"

#include <MQTTAsync.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "connectors/mqtt/mqtt_session.h"
#include "connectors/mqtt/paho_inside.h"

/* File scope, because Paho itself is: there is one in a process. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct loop *the_loop;

/* A client that never connects: when the last one is destroyed, Paho ends its threads, and waits
 * for them up to ten seconds. */
static void create_anchor(void)
{
    static MQTTAsync anchor;
    MQTTAsync_create(&anchor, "tcp://127.0.0.1:1883", "sqsbridge", MQTTCLIENT_PERSISTENCE_NONE,
                     NULL);
}

static void *run(void *arg)
{
    paho_init(mqtt_session_wake_owners);
    create_anchor();
    loop_run(arg);
    return NULL;
}

/* Signals are for the main thread; Paho's threads inherit the mask from this one. */
static void begin(void)
{
    sigset_t all, before;
    pthread_t thread;
    the_loop = loop_create();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, run, the_loop) != 0) abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(thread, "mqtt");
    pthread_detach(thread);
}

struct loop *mqtt_thread_loop(void)
{
    pthread_once(&once, begin);
    return the_loop;
}
