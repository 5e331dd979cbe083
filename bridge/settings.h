/* Settings as one run of bytes, equal where they are: to tell whether something has changed. Named
 * sections are in it whole. Secrets are in it as they are, so it is for comparing and nothing else.
 * Thread: any; no state. */
#ifndef BRIDGE_SETTINGS_H
#define BRIDGE_SETTINGS_H

#include "bridge/pipeline_conf.h"

/* Of a named section, with its name; appends. */
void settings_write(const struct section_kind *kind, const void *section, struct buf *out);

/* Whether pipelines of these would do the same, whatever their names are. Files that options name
 * (certificates) are not looked into. */
bool settings_are_equal(const struct pipeline_conf *a, const struct pipeline_conf *b);

#endif
