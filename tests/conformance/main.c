/* conformance_<connector> RIG CHECK: one check of one connector, against one kind of far end. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/log.h"
#include "tests/conformance/checks.h"
#include "tests/conformance/probe.h"
#include "tests/conformance/wait.h"

extern const struct connector CONNECTOR;
const struct connector *const connectors[] = {&CONNECTOR, &probe_connector, NULL};

static const struct rig_ops *find_rig(const char *name)
{
    for (size_t i = 0; rigs[i]; i++)
        if (strcmp(rigs[i]->name, name) == 0) return rigs[i];
    check_failed("there is no rig \"%s\"", name);
}

static const struct check *find_check(const char *name)
{
    const struct check *const lists[] = {source_checks, sink_checks};
    for (size_t list = 0; list < 2; list++)
        for (const struct check *c = lists[list]; c->name; c++)
            if (strcmp(c->name, name) == 0) return c;
    check_failed("there is no check \"%s\"", name);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/sqsbridge-conformance-XXXXXX";
    if (argc != 3) check_failed("usage: %s RIG CHECK", argv[0]);
    const struct rig_ops *ops = find_rig(argv[1]);
    const struct check *check = find_check(argv[2]);
    if (!mkdtemp(folder)) check_failed("%s: %s", folder, strerror(errno));
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_DEBUG);
    fprintf(stderr, "files of the far end: %s\n", folder); /* they stay where a check fails */
    struct rig *rig = ops->open(folder);
    rig->ops = ops;
    check->run(rig);
    ops->close(rig);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
