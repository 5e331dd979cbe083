/* The configuration as commands of connectors see it (bridge/verb.h). Thread: the main one. Owner:
 * who created it. */
#ifndef CONFIG_VERB_HOST_H
#define CONFIG_VERB_HOST_H

#include "bridge/verb.h"

struct verb_host *verb_host_create(void);
void verb_host_free(struct verb_host *host);

#endif
