/* Commands that a connector brings along, as `sqsbridge queue ...`. Thread: the main one; no
 * pipeline runs. */
#ifndef BRIDGE_VERB_H
#define BRIDGE_VERB_H

#include "bridge/error.h"
#include "bridge/opt.h"

/* What commands need of the configuration, which a connector must not know. What it returns, and
 * the texts that it puts into conf, belong to it and outlive run(). */
struct verb_host {
    /* The section of that name in a configuration file. NULL: there is none, or something is wrong
     * with it, and standard error says what. */
    const void *(*section)(const struct verb_host *host, const char *file,
                           const struct section_kind *kind, const char *name);

    /* An option's value, written as in a configuration file, into its field of conf. */
    bool (*parse)(const struct verb_host *host, const struct opt *o, const char *text, void *conf,
                  struct error *e);
};

struct verb {
    const char *name, *usage, *help; /* "queue", "queue ACTION ...", one line */

    /* argv[0] is the verb's name. Returns the exit code of the process, as in sysexits.h. */
    int (*run)(int argc, char **argv, const struct verb_host *host);
};

#endif
