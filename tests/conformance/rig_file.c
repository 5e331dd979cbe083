/* The file connector: a named pipe to read from, a file to write to. Away is a pipe that is not
 * there, and a disk without room. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/text.h"
#include "tests/conformance/json_tree.h"
#include "tests/conformance/rig.h"
#include "tests/conformance/wait.h"

struct file_rig {
    struct rig base;
    char *pipe_path, *folder, *file_path;
    int pipe; /* held open, so that the end does not come */
    struct parcels arrived;
};

static void make_pipe(struct file_rig *r)
{
    if (mkfifo(r->pipe_path, 0600) != 0) check_failed("%s: %s", r->pipe_path, strerror(errno));
    r->pipe = open(r->pipe_path, O_RDWR | O_CLOEXEC);
    fcntl(r->pipe, F_SETPIPE_SZ, 1 << 20); /* a check puts before it starts what will read */
}

static struct rig *rig_open(const char *folder)
{
    struct file_rig *r = mem_zalloc(sizeof(*r));
    r->pipe_path = mem_printf("%s/in", folder);
    r->folder = mem_printf("%s/out", folder);
    r->file_path = mem_printf("%s/out/messages.jsonl", folder);
    mkdir(r->folder, 0700);
    signal(SIGXFSZ, SIG_IGN);
    make_pipe(r);
    return &r->base;
}

static void rig_close(struct rig *rig)
{
    struct file_rig *r = (struct file_rig *)rig;
    close(r->pipe);
    parcels_release(&r->arrived);
    free(r->pipe_path);
    free(r->folder);
    free(r->file_path);
    free(r);
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* Before there is a file, its folder is away; later the disk is full. */
static void rig_down(struct rig *rig)
{
    struct file_rig *r = (struct file_rig *)rig;
    close(r->pipe);
    unlink(r->pipe_path);
    if (access(r->file_path, F_OK) == 0)
        limit_files(3);
    else
        rmdir(r->folder);
}

static void rig_up(struct rig *rig)
{
    struct file_rig *r = (struct file_rig *)rig;
    limit_files(RLIM_INFINITY);
    mkdir(r->folder, 0700);
    make_pipe(r);
}

static void rig_source(struct rig *rig, struct buf *options)
{
    struct file_rig *r = (struct file_rig *)rig;
    buf_printf(options, "type = \"file\"; path = \"%s\"; format = \"jsonl\";", r->pipe_path);
}

static void rig_sink(struct rig *rig, struct buf *options)
{
    struct file_rig *r = (struct file_rig *)rig;
    buf_printf(options, "type = \"file\"; path = \"%s\"; format = \"jsonl\";", r->file_path);
}

/* ---- lines, as the connector's documentation has them ---- */

/* NAME: text, or base64 of it under NAME_base64. */
static void write_bytes(struct json_writer *w, const char *name, struct bytes value)
{
    char *long_name = mem_printf("%s_base64", name);
    bool plain = text_is_utf8(value);
    json_key(w, plain ? name : long_name);
    if (plain)
        json_string(w, value);
    else
        json_base64(w, value);
    free(long_name);
}

static const char *const types[] = {"String", "Number", "Binary"};

static void write_attribute(struct json_writer *w, const struct attr *a)
{
    char *type =
        mem_printf("%s%s%.*s", types[a->type], a->subtype.len ? "." : "", BYTES_ARGS(a->subtype));
    json_key_bytes(w, a->name);
    json_object(w);
    json_key(w, "type");
    json_string(w, bytes_str(type));
    write_bytes(w, "value", a->value);
    json_object_end(w);
    free(type);
}

static void write_line(const struct msg *m, struct buf *out)
{
    struct json_writer w = {.out = out};
    json_object(&w);
    if (m->body.ptr) write_bytes(&w, "body", m->body);
    if (m->key.ptr) write_bytes(&w, "key", m->key);
    json_key(&w, "attributes");
    json_object(&w);
    for (size_t i = 0; i < m->attr_count; i++)
        write_attribute(&w, &m->attrs[i]);
    json_object_end(&w);
    json_object_end(&w);
    buf_add(out, "\n", 1);
}

static void rig_put(struct rig *rig, const struct parcels *parcels, size_t from, size_t n)
{
    struct file_rig *r = (struct file_rig *)rig;
    struct buf lines = {0};
    for (size_t i = from; i < from + n; i++)
        write_line(parcels->items[i], &lines);
    for (size_t at = 0; at < lines.len;) {
        ssize_t written = write(r->pipe, lines.ptr + at, lines.len - at);
        if (written <= 0) check_failed("%s: %s", r->pipe_path, strerror(errno));
        at += (size_t)written;
    }
    free(lines.ptr);
}

/* A string, or the base64 of one where the name says so; decoded to *keep. */
static struct bytes read_bytes(const struct tree *object, const char *name, struct buf *keep)
{
    const struct tree *plain = tree_find(object, name);
    if (plain) return plain->text;
    char *long_name = mem_printf("%s_base64", name);
    const struct tree *base64 = tree_find(object, long_name);
    free(long_name);
    if (!base64) return BYTES_NONE;
    size_t at = keep->len;
    if (!text_unbase64(base64->text, keep))
        check_failed("not base64: %.*s", BYTES_ARGS(base64->text));
    return bytes_of(keep->ptr + at, keep->len - at);
}

static void read_type(struct bytes text, struct attr *a)
{
    for (int i = 0; i < 3; i++)
        if (bytes_starts_with(text, bytes_str(types[i]))) a->type = (enum attr_type)i;
    if (text.len > 7) a->subtype = bytes_of((const char *)text.ptr + 7, text.len - 7);
}

static struct attr read_attribute(const struct tree *v, struct buf *keep)
{
    struct attr a = {.name = v->name, .value = v->text};
    if (v->kind == JSON_STRING) return a;
    a.value = read_bytes(v, "value", keep);
    read_type(tree_find(v, "type")->text, &a);
    return a;
}

static void take_line(struct file_rig *r, char *line, size_t len)
{
    struct tree *object = tree_parse(line, len);
    const struct tree *attributes = tree_find(object, "attributes");
    struct attr attrs[16];
    struct buf keep = {0};
    buf_reserve(&keep, len); /* once: views must not move */
    struct msg_draft draft = {
        .body = read_bytes(object, "body", &keep),
        .key = read_bytes(object, "key", &keep),
        .attrs = attrs,
        .attr_count = attributes ? attributes->count : 0,
    };
    for (size_t i = 0; i < draft.attr_count; i++)
        attrs[i] = read_attribute(&attributes->items[i], &keep);
    parcels_add(&r->arrived, &draft);
    tree_free(object);
    free(keep.ptr);
}

static const struct parcels *rig_arrived(struct rig *rig)
{
    struct file_rig *r = (struct file_rig *)rig;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    FILE *f = fopen(r->file_path, "r");
    parcels_release(&r->arrived);
    while (f && (len = getline(&line, &size, f)) > 0 && line[len - 1] == '\n')
        take_line(r, line, (size_t)len - 1);
    if (f) fclose(f);
    free(line);
    return &r->arrived;
}

static const struct rig_ops file_rig = {
    .name = "file",
    .source_traits = PARCEL_KEY | PARCEL_ATTRIBUTES | PARCEL_NO_BODY,
    .sink_traits = PARCEL_KEY | PARCEL_ATTRIBUTES | PARCEL_NO_BODY,
    .open = rig_open,
    .close = rig_close,
    .down = rig_down,
    .up = rig_up,
    .source = rig_source,
    .put = rig_put,
    .sink = rig_sink,
    .arrived = rig_arrived,
};

const struct rig_ops *const rigs[] = {&file_rig, NULL};
