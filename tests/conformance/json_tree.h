/* A JSON text as a tree, for rigs that ask a far end in JSON. Thread: the test's. */
#ifndef TESTS_CONFORMANCE_JSON_TREE_H
#define TESTS_CONFORMANCE_JSON_TREE_H

#include "bridge/json.h"

struct tree {
    enum json_token kind;
    struct bytes name, text; /* of a member; of a string or a number */
    struct tree *items;      /* of an object or an array */
    size_t count;
};

/* Unescapes text in place; it must outlive the tree. The check fails where it is not JSON. */
struct tree *tree_parse(char *text, size_t len);
void tree_free(struct tree *t);

const struct tree *tree_find(const struct tree *object, const char *name); /* NULL: none */
int64_t tree_int(const struct tree *object, const char *name); /* the check fails without it */

#endif
