#include "tests/conformance/json_tree.h"

#include <stdlib.h>

#include "tests/conformance/wait.h"

static void read_items(struct json_reader *r, struct tree *t);

static void read_value(struct json_reader *r, enum json_token token, struct tree *t)
{
    t->kind = token;
    if (token == JSON_ERROR || token == JSON_END) check_failed("not JSON: %s", r->error);
    if (token == JSON_STRING || token == JSON_NUMBER) t->text = r->text;
    if (token == JSON_OBJECT || token == JSON_ARRAY) read_items(r, t);
}

static void read_items(struct json_reader *r, struct tree *t)
{
    enum json_token token;
    while ((token = json_next(r)) != JSON_OBJECT_END && token != JSON_ARRAY_END) {
        if ((t->count & (t->count - 1)) == 0) /* full at each power of two */
            t->items = mem_realloc(t->items, (t->count ? 2 * t->count : 1) * sizeof(*t));
        struct tree *item = &t->items[t->count++];
        *item = (struct tree){.name = token == JSON_KEY ? r->text : BYTES_NONE};
        read_value(r, token == JSON_KEY ? json_next(r) : token, item);
    }
}

struct tree *tree_parse(char *text, size_t len)
{
    struct json_reader r;
    struct tree *t = mem_zalloc(sizeof(*t));
    json_read(&r, text, len);
    read_value(&r, json_next(&r), t);
    return t;
}

static void free_items(struct tree *t)
{
    for (size_t i = 0; i < t->count; i++)
        free_items(&t->items[i]);
    free(t->items);
}

void tree_free(struct tree *t)
{
    free_items(t);
    free(t);
}

const struct tree *tree_find(const struct tree *object, const char *name)
{
    for (size_t i = 0; i < object->count; i++)
        if (bytes_eq(object->items[i].name, bytes_str(name))) return &object->items[i];
    return NULL;
}

int64_t tree_int(const struct tree *object, const char *name)
{
    const struct tree *number = tree_find(object, name);
    int64_t value;
    if (!number || !json_int(number->text, &value)) check_failed("no number \"%s\"", name);
    return value;
}
