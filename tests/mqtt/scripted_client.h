/* An mqtt_client with an owner that keeps its news for the test. Thread: the test's; the owner's
 * loop runs on a thread of its own. */
#ifndef TESTS_MQTT_SCRIPTED_CLIENT_H
#define TESTS_MQTT_SCRIPTED_CLIENT_H

#include <pthread.h>

#include "connectors/mqtt/mqtt_client.h"
#include "connectors/mqtt/mqtt_publish.h"

struct client {
    char server[300];
    struct mqtt_conf conf;
    struct loop *loop;
    pthread_t thread;
    struct mqtt_client *mqtt;
    pthread_mutex_t lock;
    pthread_cond_t came;
    struct note *first, **end; /* news that nobody asked for yet */
};

/* Fills conf with what a test needs; change it before client_open(). */
void client_prepare(struct client *c, const char *host, uint16_t port);

void client_open_source(struct client *c); /* subscribes to t/# */
void client_open_sink(struct client *c);
void client_close(struct client *c);  /* and client_finish() */
void client_finish(struct client *c); /* waits for MQTT_CLOSED; what came before is dropped */

/* The next news of that kind, those before it stay. Fails the test after ten seconds. Free it. */
void *client_wait(struct client *c, enum mqtt_news kind);
bool client_has(struct client *c, enum mqtt_news kind); /* now */

/* Publishes; the outcome comes as MQTT_PUBLISHED, in news->leg is what was given. */
void client_publish(struct client *c, struct leg *l, const char *topic);
void client_free_news(void *news, enum mqtt_news kind);

#endif
