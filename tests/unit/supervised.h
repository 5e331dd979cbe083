/* Pipelines that do nothing but say that they begin and end, the plans that they are in, and what
 * was said. Thread: any. */
#ifndef TESTS_UNIT_SUPERVISED_H
#define TESTS_UNIT_SUPERVISED_H

#include "bridge/supervisor.h"

/* "a1 b2": pipelines and their settings. After the setting, "!": it can't start, ".": finishes at
 * once, "~": gives up at once. "/" at first: counters go where there is no folder. They say "+a1"
 * at their start, "-a1" at their end, and a plan "free1", by its number, when it is released. */
struct plan *supervised_plan(const char *text, int number);
void supervised_release(struct plan *plan);

/* While the gate is closed no pipeline comes to its end. How many were told to, since the start. */
void supervised_gate(bool closed);
unsigned supervised_stops(void);

void journal_clear(void);
unsigned journal_count(const char *words); /* "-a1 +a2 ": how often, with nothing between them */
void journal_wait(const char *words);      /* fails the test after 20 s */
void journal_expect(const char *exactly);

#endif
