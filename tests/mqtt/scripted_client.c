#include "tests/mqtt/scripted_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { PATIENCE_S = 10 };

static void take(void *arg, struct note *notes)
{
    struct client *c = arg;
    bool last = false;
    pthread_mutex_lock(&c->lock);
    *c->end = notes;
    for (struct note *note = notes; note; note = note->next) {
        last |= note->kind == MQTT_CLOSED;
        c->end = &note->next;
    }
    pthread_cond_broadcast(&c->came);
    pthread_mutex_unlock(&c->lock);
    if (last) loop_stop(c->loop);
}

static void *run(void *arg)
{
    loop_run(arg);
    return NULL;
}

void client_prepare(struct client *c, const char *host, uint16_t port)
{
    memset(c, 0, sizeof(*c));
    snprintf(c->server, sizeof(c->server), "mqtt://%s:%u", host, port);
    c->conf = (struct mqtt_conf){.server = c->server,
                                 .keep_alive = 30,
                                 .connect_timeout = 10,
                                 .reconnect_delay = 10,
                                 .reconnect_max_delay = 50,
                                 .tls_verify = true};
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->came, NULL);
    c->end = &c->first;
}

static void open_as(struct client *c, const struct mqtt_role *role)
{
    c->loop = loop_create();
    c->mqtt = mqtt_client_create(role, c->loop, take, c);
    pthread_create(&c->thread, NULL, run, c->loop);
    mqtt_client_start(c->mqtt);
}

void client_open_source(struct client *c)
{
    static const char *const filters[] = {"t/#"};
    struct mqtt_role role = {
        .conf = &c->conf,
        .client_id = mem_strdup("scripted"),
        .filters = {filters, 1},
        .qos = 1,
        .session_expiry_s = 3600,
        .receive_max = 100,
        .hold_bytes = 4 << 20,
    };
    open_as(c, &role);
}

void client_open_sink(struct client *c)
{
    struct mqtt_role role = {.conf = &c->conf, .client_id = mem_strdup("scripted")};
    open_as(c, &role);
}

static struct note **find(struct client *c, enum mqtt_news kind)
{
    struct note **at = &c->first;
    while (*at && (*at)->kind != (int)kind)
        at = &(*at)->next;
    return at;
}

void *client_wait(struct client *c, enum mqtt_news kind)
{
    struct timespec until;
    struct note **at;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&c->lock);
    while (!*(at = find(c, kind)))
        if (pthread_cond_timedwait(&c->came, &c->lock, &until) != 0)
            fail_msg("waited in vain for news %d", (int)kind);
    struct note *note = *at;
    *at = note->next;
    if (!note->next) c->end = at;
    pthread_mutex_unlock(&c->lock);
    return note;
}

bool client_has(struct client *c, enum mqtt_news kind)
{
    pthread_mutex_lock(&c->lock);
    bool there = *find(c, kind) != NULL;
    pthread_mutex_unlock(&c->lock);
    return there;
}

void client_free_news(void *news, enum mqtt_news kind)
{
    if (kind == MQTT_ARRIVED)
        mqtt_arrival_free(news);
    else
        free(news);
}

void client_close(struct client *c)
{
    mqtt_client_close(c->mqtt);
    client_finish(c);
}

void client_finish(struct client *c)
{
    free(client_wait(c, MQTT_CLOSED));
    pthread_join(c->thread, NULL);
    while (c->first) {
        struct note *next = c->first->next;
        client_free_news(c->first, (enum mqtt_news)c->first->kind);
        c->first = next;
    }
    mqtt_client_destroy(c->mqtt);
    loop_destroy(c->loop);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->came);
}

void client_publish(struct client *c, struct leg *l, const char *topic)
{
    struct mqtt_publish *p = mem_zalloc(sizeof(*p));
    p->leg = l;
    p->qos = 1;
    p->topic = topic;
    mqtt_client_publish(c->mqtt, p, p);
}
