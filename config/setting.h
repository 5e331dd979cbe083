/* One setting of the file, read as the option that it is. Every function complains itself, once.
 * Thread: the one that loads. */
#ifndef CONFIG_SETTING_H
#define CONFIG_SETTING_H

#include <libconfig.h>

#include "bridge/opt.h"
#include "config/complaints.h"
#include "config/input.h"
#include "config/named.h"
#include "config/owned.h"

/* What one load has at hand. */
struct reader {
    const struct input *input;
    struct owned *owned; /* everything that the configuration points to */
    struct complaints *complaints;
    const struct named_sections *named;
};

/* Environment filled in, checked, and put into the option's field of conf. */
bool setting_read(const struct reader *r, const struct opt *o, const config_setting_t *at,
                  void *conf) MUST_USE;

/* <option>_file: the field gets what the file holds. */
bool setting_read_secret_file(const struct reader *r, const struct opt *o,
                              const config_setting_t *at, void *conf) MUST_USE;

/* A text that is no option of a table, environment filled in. NULL: it is none. Owned. */
const char *setting_text(const struct reader *r, const config_setting_t *at);

struct place setting_place(const struct reader *r, const config_setting_t *at);

#endif
