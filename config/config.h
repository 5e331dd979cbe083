/* A configuration file, read, checked and turned into what the core runs. Only this folder knows
 * libconfig. Thread: the main one. Owner: struct config owns all that it points to, until
 * config_free(); pipelines borrow. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "bridge/log.h"
#include "bridge/pipeline_conf.h"
#include "config/named.h"

struct config {
    int log_level;          /* enum log_level */
    int64_t stats_interval; /* ms, 0: no reports */
    const char *stats_file; /* NULL: reports are log lines */

    const struct pipeline_conf *pipelines;
    size_t pipeline_count; /* at least 1 */
    struct named_sections named;
    struct owned *owned;
};

/* What is wrong, all of it: lines "file:line: ...", each with its newline. Free with
 * config_messages_free(). Secrets are not in it. */
struct config_messages {
    char *text;
    size_t count;
    int exit_code; /* EX_OK, EX_NOINPUT (there is no such file), EX_CONFIG */
};

/* NULL where anything at all is wrong; messages are set in any case. */
struct config *config_load(const char *path, struct config_messages *messages) MUST_USE;

/* The named sections alone: the file's pipelines are not looked at, and need not be there. */
struct config *config_load_sections(const char *path, struct config_messages *messages) MUST_USE;
void config_free(struct config *c);

/* Sets an option of the top level, from the command line. The error says what was expected. */
bool config_parse(struct config *c, const char *option, const char *value,
                  struct error *e) MUST_USE;
void config_messages_free(struct config_messages *messages);

extern const struct opt global_opts[]; /* of the file's top level, ends with OPT_END */

#endif
