/* The signer's canonical form against a second one, written to be obvious instead of fast. The text
 * is a request: a line that begins with 'r' where the path stays raw, the path, the query, then a
 * header a line, "name:value". Ends the process with both forms where they differ. Thread: any. */
#ifndef FUZZ_CANONICAL_ORACLE_H
#define FUZZ_CANONICAL_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

/* True, always: every text is a request of some kind. */
bool canonical_oracle_check(const char *text, size_t len);

#endif
