/* Topic aliases of one connection (MQTT 5, 3.3.2.3.4): a number that stands for a topic which is
 * published to again and again. A topic gets its alias when it comes a second time, and is left out
 * once the broker has acknowledged a message that carried both: a message that was refused defines
 * nothing that could be relied on. Thread: the MQTT thread; confirm: any. Owner: a session. */
#ifndef MQTT_ALIAS_H
#define MQTT_ALIAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mqtt_aliases;

struct mqtt_aliases *mqtt_aliases_create(unsigned limit);
void mqtt_aliases_destroy(struct mqtt_aliases *a); /* NULL is fine */

/* 0: none. known: the broker has it, and the topic may be left out. */
unsigned mqtt_alias_of(struct mqtt_aliases *a, const char *topic, bool *known);
void mqtt_alias_confirm(struct mqtt_aliases *a, unsigned alias); /* 0 is fine */

#endif
