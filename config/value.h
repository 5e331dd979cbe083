/* One value of an option: from the text that a user wrote (or the default of the table, which is
 * such a text) to its field, and back. Thread: any; no state. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "bridge/error.h"
#include "bridge/opt.h"
#include "config/owned.h"

/* Fills the option's field of conf; to a list it adds one item. The error says what was expected,
 * without the text itself, which may be a secret. */
bool value_parse(const struct opt *o, const char *text, void *conf, struct owned *owned,
                 struct error *e) MUST_USE;

/* Fills conf with the defaults of a table; what has none stays zero. */
bool value_defaults(const struct opt *opts, void *conf, struct owned *owned,
                    struct error *e) MUST_USE;

/* A list that was given, even if without items. */
void value_clear_list(const struct opt *o, void *conf, struct owned *owned);

/* Sets the error to "expected ... (hint)"; hint NULL: none. */
bool value_refuse(const struct opt *o, const char *hint, struct error *e);

/* Text: a number or a bool in its place is a mistake. */
bool value_is_text(const struct opt *o);

/* The writers append. "an integer, 1 to 100": */
void value_expected(const struct opt *o, struct buf *out);

/* "1 to 100"; of an enum its choices; nothing where there are no bounds. */
void value_bounds(const struct opt *o, struct buf *out);

/* As a user would write it in a file; secrets as "***". False, and nothing written: there is none.
 */
bool value_write(const struct opt *o, const void *conf, struct buf *out);

/* In quotes, with escapes. escape_fields: ${ becomes $${, as in texts that are no templates. */
void value_write_text(const char *text, bool escape_fields, struct buf *out);

#endif
