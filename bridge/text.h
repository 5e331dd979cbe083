/* Encodings that more than one transport needs. Thread: any; no state. */
#ifndef BRIDGE_TEXT_H
#define BRIDGE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/bytes.h"
#include "bridge/mem.h"

bool text_is_utf8(struct bytes b); /* RFC 3629: no surrogates, no overlong forms */
bool text_has_nul(struct bytes b);

/* What SQS accepts in bodies and string values: #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD
 * #x10000-#x10FFFF. */
bool text_is_xml(struct bytes b);

void text_base64(struct bytes raw, struct buf *out); /* appends */
/* Appends. False: not base64 (padding required, no white space), out as it was. */
bool text_unbase64(struct bytes text, struct buf *out) MUST_USE;

/* FNV-1a, for lanes and fingerprints; never 0. */
uint64_t text_hash(struct bytes b);

#endif
