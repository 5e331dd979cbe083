/* ${NAME} and ${NAME:-default} in texts of the configuration. Names are [A-Z_][A-Z0-9_]*; as in a
 * shell, :-default also stands for a variable that is empty. Thread: the one that loads. */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "bridge/error.h"

enum environment_text {
    ENVIRONMENT_PLAIN,    /* $${ becomes ${; other ${...} are an error */
    ENVIRONMENT_TEMPLATE, /* $${ and ${lower-case} stay, for template_compile() */
};

/* Appends the text, and a NUL that out->len does not count. The error never holds any of the text
 * but names of variables: the text may be a secret. */
bool environment_expand(const char *text, enum environment_text kind, struct buf *out,
                        struct error *e) MUST_USE;

#endif
