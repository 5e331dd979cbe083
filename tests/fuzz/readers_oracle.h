/* What must hold of the readers of AWS's files and answers, whatever the text: they stay within it,
 * come to an end, and say the same the second time. Thread: any. */
#ifndef FUZZ_READERS_ORACLE_H
#define FUZZ_READERS_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

/* The first byte says which: 'x' XML, 'i' ini, 'w' words, 'j' keys in JSON, 'k' keys in XML, 't' a
 * time; any other: all of them. Aborts where a rule is broken. True: it was well-formed. */
bool readers_oracle_check(const char *text, size_t len);

#endif
