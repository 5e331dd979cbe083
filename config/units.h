/* Numbers with units, as people write them: "30s", "64KiB". Thread: any; no state. */
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/mem.h"

/* The parsers read the whole text, or give false. Then *hint says what helps, where more is to be
 * said than what was expected: it is set to a constant, or left alone. */
bool units_parse_integer(const char *text, int64_t *value) MUST_USE; /* decimal, or hex with 0x */
bool units_parse_duration(const char *text, int64_t *ms, const char **hint) MUST_USE;
bool units_parse_seconds(const char *text, int64_t *seconds, const char **hint) MUST_USE;
bool units_parse_size(const char *text, int64_t *bytes, const char **hint) MUST_USE;

/* With the largest unit that leaves a whole number: "90s", "1h"; "64KiB", "1000B". Appends. */
void units_write_duration(int64_t ms, struct buf *out);
void units_write_size(int64_t bytes, struct buf *out);

#endif
