/* Servers and clients that a rig starts. They die with the test. Thread: the test's. */
#ifndef TESTS_CONFORMANCE_PROCESS_H
#define TESTS_CONFORMANCE_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "bridge/mem.h"

struct process {
    pid_t pid;
    int in, out; /* pipes to its standard input and from its standard output; -1: none */
};

/* argv ends with NULL; argv[0] is looked for in PATH, /usr/sbin and /usr/bin. log: gets its
 * standard error, and its standard output unless that is piped; NULL: ours. */
struct process process_start(const char *const *argv, const char *log);
struct process process_start_piped(const char *const *argv, const char *log);

/* Gives it all of text, closes its standard input, and waits for its end: 0 is expected. */
void process_feed(struct process *p, const void *text, size_t len);

/* The next line of its standard output, without the newline; the check fails where it ends. */
void process_read_line(struct process *p, char *line, size_t size);

void process_signal(const struct process *p, int signal);
void process_stop(struct process *p, int signal); /* and waits; harmless where it has ended */
void process_expect_success(struct process *p);   /* waits */

/* On 127.0.0.1, free just now; no outgoing connection will take it while its server is away. */
uint16_t free_port(void);

#endif
