/* Writes JSON into a buffer. Commas come by themselves: a value or key that follows another gets
 * one. */
#ifndef SIM_JOUT_H
#define SIM_JOUT_H

#include "tests/sim/text.h"

void jout_open(struct buf *b, char bracket);
void jout_close(struct buf *b, char bracket);
void jout_key(struct buf *b, const char *key);
void jout_key_text(struct buf *b, struct text key);
void jout_text(struct buf *b, struct text value);
void jout_int(struct buf *b, int64_t value);
void jout_bool(struct buf *b, bool value);

/* A key and its value. */
void jout_pair(struct buf *b, const char *key, struct text value);
void jout_pair_int(struct buf *b, const char *key, int64_t value);
void jout_pair_int_text(struct buf *b, const char *key, int64_t value); /* the number in quotes */
void jout_pair_bool(struct buf *b, const char *key, bool value);

#endif
