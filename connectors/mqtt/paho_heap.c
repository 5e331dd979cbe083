/* Debian builds Paho without PAHO_HIGH_PERFORMANCE: every function entry and exit takes a global
 * lock to write a trace that nobody reads, and every allocation is entered into a tree under
 * another. These wrappers (linked with --wrap, see paho_inside.c) drop the trace and give Paho the
 * C library's heap: twice the messages a second. All of them or none: memory of one heap must not
 * be freed by the other.
 *
 * Out of memory ends the process, as everywhere: Paho 1.3.12 goes on with what it could not read,
 * and gave us a message with garbage in a user property. */
#include <stdlib.h>

#include "bridge/mem.h"
#include "connectors/mqtt/paho_private.h"

WRAPPER void __wrap_StackTrace_entry(const char *function, int line, int level);
WRAPPER void __wrap_StackTrace_exit(const char *function, int line, void *rc, int level);
WRAPPER void *__wrap_mymalloc(char *file, int line, size_t size);
WRAPPER void *__wrap_myrealloc(char *file, int line, void *ptr, size_t size);
WRAPPER void __wrap_myfree(char *file, int line, void *ptr);

void __wrap_StackTrace_entry(const char *function, int line, int level)
{
    (void)function, (void)line, (void)level;
}

void __wrap_StackTrace_exit(const char *function, int line, void *rc, int level)
{
    (void)function, (void)line, (void)rc, (void)level;
}

void *__wrap_mymalloc(char *file, int line, size_t size)
{
    (void)file, (void)line;
    return mem_alloc(size);
}

void *__wrap_myrealloc(char *file, int line, void *ptr, size_t size)
{
    (void)file, (void)line;
    return mem_realloc(ptr, size);
}

void __wrap_myfree(char *file, int line, void *ptr)
{
    (void)file, (void)line;
    if (paho_reads_websocket) paho_websocket_freed(ptr);
    free(ptr);
}
