#include "bridge/opt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void opt_complain(struct opt_report *r, const char *option, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    r->complain(r, option, text);
}

const struct opt *opt_find(const struct opt *opts, const char *name)
{
    for (; opts->name; opts++)
        if (strcmp(opts->name, name) == 0) return opts;
    return NULL;
}
