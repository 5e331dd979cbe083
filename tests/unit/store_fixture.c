#include "tests/unit/store_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

int store_folder_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    struct store_folder *f = mem_zalloc(sizeof(*f));
    snprintf(f->path, sizeof(f->path), "%.40s/store-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->path)) return -1;
    snprintf(f->db, sizeof(f->db), "%s/test.0.db", f->path);
    *state = f;
    return 0;
}

void store_folder_clear(const struct store_folder *f)
{
    DIR *dir = opendir(f->path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir) closedir(dir);
}

int store_folder_teardown(void **state)
{
    struct store_folder *f = *state;
    store_folder_clear(f);
    rmdir(f->path);
    free(f);
    return 0;
}

unsigned store_folder_count(const struct store_folder *f, const char *part)
{
    unsigned count = 0;
    DIR *dir = opendir(f->path);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += strstr(entry->d_name, part) != NULL;
    closedir(dir);
    return count;
}

struct msg *numbered_msg(unsigned n, size_t body_bytes)
{
    char *body = mem_zalloc(body_bytes + 32);
    int len = snprintf(body, 32, "%u", n);
    memset(body + len, ' ', body_bytes);
    struct attr attr = {.name = BYTES_LIT("n"), .value = bytes_of(body, (size_t)len)};
    struct msg_draft draft = {.body = bytes_of(body, (size_t)len + body_bytes),
                              .topic = BYTES_LIT("a/b"),
                              .position = bytes_of(body, (size_t)len),
                              .attrs = &attr,
                              .attr_count = 1};
    struct msg *m = msg_new(&draft);
    free(body);
    return m;
}
