/* A TCP forwarder before a server that can't be restarted without losing what it has: down() breaks
 * every connection and refuses new ones, and the server notices nothing. Thread: the test's; it has
 * one of its own. Owner: forwarder_start() makes it, forwarder_stop() frees it. */
#ifndef TESTS_CONFORMANCE_FORWARDER_H
#define TESTS_CONFORMANCE_FORWARDER_H

#include <stdint.h>

struct forwarder;

struct forwarder *forwarder_start(uint16_t target); /* on 127.0.0.1 */
uint16_t forwarder_port(const struct forwarder *f); /* stays the same */
void forwarder_down(struct forwarder *f);
void forwarder_up(struct forwarder *f);
void forwarder_stop(struct forwarder *f);

#endif
