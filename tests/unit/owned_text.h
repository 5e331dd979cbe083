/* Bytes that a test owns, and what it expects of some. Thread: any; no state. */
#ifndef UNIT_OWNED_TEXT_H
#define UNIT_OWNED_TEXT_H

#include "bridge/bytes.h"
#include "bridge/mem.h"

/* A copy without a NUL behind it that counts: readers write into their text. */
struct bytes owned_text(const char *text);
void owned_text_free(struct bytes text);

void expect_bytes(struct bytes b, const char *text);
void expect_text(struct buf *out, const char *text); /* and empties it */

#endif
