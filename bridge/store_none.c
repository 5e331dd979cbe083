/* A build without SQLite (-DSTORE=OFF): lint refuses every configuration that asks for a store. */
#include "bridge/store.h"

#include "bridge/store_tools.h"

#include <stddef.h>

const struct connector store_connector = {.name = "store"};

bool store_is_built_in(void)
{
    return false;
}

struct store *store_create(const struct store_setup *setup)
{
    (void)setup;
    return NULL;
}

bool store_open(struct store *s, struct error *e)
{
    (void)s;
    return error_set(e, FAULT_CONFIG, "this build has no store (build with -DSTORE=ON)");
}

int64_t store_close(struct store *s)
{
    (void)s;
    return 0;
}

void store_destroy(struct store *s)
{
    (void)s;
}

void store_join(struct store *s, struct pipeline *front, struct pipeline *back)
{
    (void)s;
    (void)front;
    (void)back;
}

void store_hurry(struct store *s)
{
    (void)s;
}

void store_no_more(struct store *s)
{
    (void)s;
}

size_t store_tools_list(const char *folder, const char *pipeline, unsigned **workers)
{
    (void)folder;
    (void)pipeline;
    *workers = NULL;
    return 0;
}

bool store_tools_look(const char *folder, const char *pipeline, unsigned worker, bool verify,
                      struct store_sight *sight, struct error *e)
{
    (void)folder;
    (void)pipeline;
    (void)worker;
    (void)verify;
    *sight = (struct store_sight){0};
    return error_set(e, FAULT_CONFIG, "this build has no store (build with -DSTORE=ON)");
}
