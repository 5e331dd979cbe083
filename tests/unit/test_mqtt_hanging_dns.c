/* A name server that never answers: whoever asked it waits, and nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/mqtt/scripted_broker.h"
#include "tests/mqtt/scripted_client.h"
#include "tests/unit/hanging_name_server.h"

enum { HANGING = 6, MESSAGES = 200, LONGEST_TURN_US = 50000, LONGEST_ROUND_TRIP_MS = 1000 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double round_trip_ms(struct client *c, struct broker *b, struct leg *l)
{
    struct packet p;
    double began = now_ms();
    client_publish(c, l, "t/a");
    broker_expect(b, PUBLISH, &p);
    broker_puback(b, packet_id(&p), 0);
    struct mqtt_publish *done = client_wait(c, MQTT_PUBLISHED);
    assert_int_equal(done->outcome, PUBLISH_CONFIRMED);
    free(done);
    return now_ms() - began;
}

/* Until the name server gave up on all of those who wait for it, and beyond. */
static double longest_round_trip_ms(struct client *c, struct broker *b, struct leg *l)
{
    double longest = 0, began = now_ms();
    for (int i = 0; i < MESSAGES || now_ms() - began < 2000; i++) {
        double took = round_trip_ms(c, b, l);
        if (took > longest) longest = took;
    }
    return longest;
}

static void test_nobody_else_waits(void **state)
{
    (void)state;
    int name_server = hanging_name_server();
    if (name_server < 0) skip();
    struct client hanging[HANGING], moving;
    struct broker broker;
    struct msg_draft draft = {.body = BYTES_LIT("x")};
    struct leg leg = {.msg = msg_new(&draft)};
    for (size_t i = 0; i < HANGING; i++) {
        char host[64];
        snprintf(host, sizeof(host), "broker-%zu.example.com", i);
        client_prepare(&hanging[i], host, 1883);
        client_open_source(&hanging[i]);
    }
    broker_start(&broker, true);
    client_prepare(&moving, "localhost", broker.port); /* asks too, and /etc/hosts answers */
    client_open_sink(&moving);
    broker_welcome(&broker, false, false);
    free(client_wait(&moving, MQTT_UP));
    loop_longest_turn_us(moving.loop);

    double longest_ms = longest_round_trip_ms(&moving, &broker, &leg);
    uint64_t turn_us = loop_longest_turn_us(moving.loop);
    print_message("longest round trip %.1f ms, longest turn of the loop %llu us\n", longest_ms,
                  (unsigned long long)turn_us);
    assert_true(longest_ms < LONGEST_ROUND_TRIP_MS);
    assert_true(turn_us < LONGEST_TURN_US);
    for (size_t i = 0; i < HANGING; i++) {
        struct mqtt_down *down = client_wait(&hanging[i], MQTT_DOWN);
        assert_non_null(strstr(down->why.text, "looking up the host"));
        free(down);
        client_close(&hanging[i]);
    }
    broker_stop(&broker);
    client_close(&moving);
    msg_unref(leg.msg);
    close(name_server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nobody_else_waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
