/* Option tables: each connector side (and the pipeline itself) describes its options once. From the
 * table come parsing, bounds, lint, help, print-config and the reference pages. Read by config/;
 * the core and the connectors only declare. Thread: any; tables are constant. */
#ifndef BRIDGE_OPT_H
#define BRIDGE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/mem.h"

enum opt_type {
    OPT_STRING,   /* const char *, NULL where there is neither value nor default */
    OPT_TEMPLATE, /* const struct template *, compiled; NULL likewise */
    OPT_PATH,     /* const char *; lint checks that the file can be read */
    OPT_BOOL,     /* bool */
    OPT_INT,      /* int64_t */
    OPT_DURATION, /* int64_t milliseconds; written "30s", "100ms", "5m", "12h" */
    OPT_SECONDS,  /* int64_t seconds; written 20 or "20s", as users of the transport write it */
    OPT_SIZE,     /* int64_t bytes; written "1MiB", "64KiB", "1MB", or an integer */
    OPT_ENUM,     /* int: the index in choices */
    OPT_LIST,     /* struct opt_list of strings; written ["a", "b"] */
    OPT_SECTION,  /* const void *: the configuration of a named section, NULL where none is given */
};

struct opt_report;

enum opt_flag {
    OPT_REQUIRED = 1,
    OPT_SECRET = 2, /* masked wherever it is printed; <name>_file reads it from a file instead */
};

struct opt_list {
    const char *const *items;
    size_t count;
};

struct section_kind;

struct opt {
    const char *name;
    size_t offset; /* of the field in the configuration struct */
    enum opt_type type;
    unsigned flags;       /* enum opt_flag */
    const char *fallback; /* the default as a user would write it ("30s", "1000"); NULL: none */
    int64_t min, max;     /* of int, duration (ms), seconds, size (bytes); both 0: not negative */
    const char *const *choices;      /* of an enum, or of a list's words; NULL at the end */
    const struct section_kind *kind; /* of a section */
    const char *help;                /* one line: what it does, lower case, no full stop */
};

/* Tables end with OPT_END. Fields that are not named stay zero. */
#define OPT_END                                                                                    \
    {                                                                                              \
        .name = NULL                                                                               \
    }
#define OPT_FIELD(conf, field) .name = #field, .offset = offsetof(conf, field)

/* Sections at the top level of the file that options refer to by name, as in
 * credentials = { plant = { ... }; }; Known from the options that refer to them. */
struct section_kind {
    const char *name; /* "credentials" */
    const struct opt *opts;
    size_t conf_size; /* of the struct that the table describes; its first member is `const char
                       *name`, the section's own */
    void (*check)(const void *conf, struct opt_report *r); /* optional; after all were read, so that
                                                              it may follow its own sections */
    const char *help;                                      /* one line */
};

const struct opt *opt_find(const struct opt *opts, const char *name); /* NULL: there is none */

/* Where a connector's check() reports what the table can't say: the option's name gives file and
 * line. option NULL: the section as a whole. Any number of reports; each is one line for the user.
 */
struct opt_report {
    void (*complain)(struct opt_report *r, const char *option, const char *text);
};
void opt_complain(struct opt_report *r, const char *option, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
