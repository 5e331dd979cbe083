/* Our JSON against jansson's: both must take the same texts and see the same values in them, and
 * jansson must read what our writer wrote. Ends the process with the reason where they differ.
 * Thread: any. */
#ifndef FUZZ_JSON_ORACLE_H
#define FUZZ_JSON_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

/* True: both took the text. */
bool json_oracle_check(const char *text, size_t len);

#endif
