#include "bridge/opt.h"

#include <stdarg.h>
#include <stdio.h>

void opt_complain(struct opt_report *r, const char *option, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    r->complain(r, option, text);
}
