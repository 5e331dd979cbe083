/* A command line cut into words as a shell would, but nothing is expanded: 'a b', "a \"b\"", a\ b.
 * Thread: any. */
#ifndef CONNECTORS_AWS_WORDS_H
#define CONNECTORS_AWS_WORDS_H

#include "bridge/error.h"
#include "bridge/opt.h"

/* The list and its items are the caller's: words_free(). False: a quote has no end, or there is no
 * word at all. */
bool words_split(const char *line, struct opt_list *words, struct error *e) MUST_USE;
void words_free(struct opt_list *words);

#endif
