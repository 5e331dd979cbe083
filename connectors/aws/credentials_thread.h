/* The one thread of the process that signs in: its loop runs every provider. Thread: any, but for
 * leave, which is for notes on the thread itself. */
#ifndef CONNECTORS_AWS_CREDENTIALS_THREAD_H
#define CONNECTORS_AWS_CREDENTIALS_THREAD_H

#include "connectors/aws/provider.h"

/* Starts the thread where it does not run. Its home stays until the matching leave. */
struct provider_home *credentials_thread_enter(void);

/* Posts the note that will leave: after this, nobody who entered posts anything more. */
void credentials_thread_post_last(struct post *post);

/* The last one ends the thread, once all handles are closed. */
void credentials_thread_leave(void);

bool credentials_thread_runs(void); /* for tests */

#endif
