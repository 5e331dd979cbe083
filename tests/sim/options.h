/* The command line of sqs_sim. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "tests/sim/sim.h"

struct options {
    int port;
    const char *region, *access_key, *secret, *token;
    const char *tls_cert, *tls_key;
    const char *queues[256]; /* NAME[,Attribute=value]... */
    size_t n_queues;
    bool no_auth, exit_with_parent, shuffle, help;
    double duplicate;
    unsigned max_in_flight;
    uint64_t seed;
};

/* False, after a message on stderr, when the line makes no sense. */
bool options_parse(struct options *o, int argc, char **argv);
void options_help(void);
/* Puts the dials, keys and queues of the command line in place: at the start, and again on a reset.
 */
bool options_apply(const struct options *o, struct sim *sim);

#endif
