#include "bridge/connector.h"

#include <string.h>

const struct connector *connector_find(const char *name)
{
    for (const struct connector *const *c = connectors; *c; c++)
        if (strcmp((*c)->name, name) == 0) return *c;
    return NULL;
}
