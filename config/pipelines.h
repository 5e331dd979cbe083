/* The section `pipelines = { NAME = { source = {...}; sink = {...}; ... }; ... };`.
 * Thread: the one that loads. */
#ifndef CONFIG_PIPELINES_H
#define CONFIG_PIPELINES_H

#include "bridge/pipeline_conf.h"
#include "config/setting.h"

/* As many as *count, owned by the reader's struct owned; worth something only where nothing was
 * complained of. */
struct pipeline_conf *pipelines_read(const struct reader *r, config_setting_t *root, size_t *count);

#endif
