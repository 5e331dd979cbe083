/* A file of the machine's as this process alone sees it, in a mount namespace of its own, for which
 * it must be root. Thread: before any other is there, as they all are to see it. */
#ifndef UNIT_SHADOW_FILE_H
#define UNIT_SHADOW_FILE_H

#include <stdbool.h>

/* False: no right to. Fails the test where CI=true, as does all else that goes wrong. */
bool shadow_file(const char *path, const char *text);

#endif
