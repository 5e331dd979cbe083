/* One section of a configuration, { name = value; ... }, read through its option table into the
 * struct that the table describes. Thread: the one that loads. */
#ifndef CONFIG_SECTION_H
#define CONFIG_SECTION_H

#include "config/setting.h"

struct section {
    const struct reader *reader;
    config_setting_t *group;
    const char *title; /* "sqs source": for people */
    const struct opt *opts;
    const char *const *more;     /* names that the caller reads itself, NULL at the end */
    const struct opt *elsewhere; /* a table whose names are written here by mistake, or NULL */
    const char *elsewhere_title; /* what they belong to */
};

/* True: conf is as the table wants it, nothing required is missing, so that it can be checked
 * further. Unknown names are complained of, but change nothing in that. */
bool section_read(const struct section *s, void *conf);

/* For check functions: complaints get the line of the option that they name, else the section's. */
struct section_report {
    struct opt_report report;
    const struct section *section;
    bool complained;
};
struct section_report section_report(const struct section *s);

#endif
