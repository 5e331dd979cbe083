#include "tests/sim/batch.h"

#include "tests/sim/jout.h"

#include <string.h>

static bool id_ok(struct text id)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    for (size_t i = 0; i < id.len; i++) {
        if (!id.ptr[i] || !strchr(allowed, id.ptr[i])) return false;
    }
    return id.len >= 1 && id.len <= 80;
}

static struct text id_of(const json_t *entries, size_t i)
{
    return args_view(json_object_get(json_array_get(entries, i), "Id"));
}

static bool check_ids(const json_t *entries, struct api_error *e)
{
    for (size_t i = 0; i < json_array_size(entries); i++) {
        struct text id = id_of(entries, i);
        if (!id_ok(id))
            return api_fail(e, API_BATCH_ID_INVALID,
                            "A batch entry id can only contain alphanumeric characters, hyphens "
                            "and underscores. It can be at most 80 letters long.");
        for (size_t j = 0; j < i; j++) {
            if (text_equal(id, id_of(entries, j)))
                return api_fail(e, API_BATCH_IDS_NOT_DISTINCT, "Id %.*s repeated.", (int)id.len,
                                id.ptr);
        }
    }
    return true;
}

static bool check_size(const json_t *entries, const struct batch *b, struct api_error *e)
{
    size_t total = 0;
    for (size_t i = 0; b->size && i < json_array_size(entries); i++)
        total += b->size(json_array_get(entries, i));
    if (total <= BATCH_MAX_BYTES) return true;
    return api_fail(e, API_BATCH_TOO_LONG,
                    "Batch requests cannot be longer than %d bytes. You have sent %zu bytes.",
                    BATCH_MAX_BYTES, total);
}

static bool check_entries(const json_t *entries, const struct batch *b, struct api_error *e)
{
    size_t n = json_array_size(entries);
    if (!n)
        return api_fail(e, API_BATCH_EMPTY, "There should be at least one %s in the request.",
                        b->entry_type);
    if (n > BATCH_MAX)
        return api_fail(e, API_BATCH_TOO_MANY,
                        "Maximum number of entries per request are %d. You have sent %zu.",
                        BATCH_MAX, n);
    for (size_t i = 0; i < n; i++) {
        if (!json_is_object(json_array_get(entries, i)))
            return api_fail(e, API_SERIALIZATION, "An entry is not a Structure");
    }
    return check_ids(entries, e) && check_size(entries, b, e);
}

static void write_failed(struct buf *out, struct text id, const char *code, const char *message,
                         bool sender_fault)
{
    jout_open(out, '{');
    jout_pair(out, "Id", id);
    jout_pair_bool(out, "SenderFault", sender_fault);
    jout_pair(out, "Code", text_of(code));
    jout_pair(out, "Message", text_of(message));
    jout_close(out, '}');
}

static void write_done(struct buf *out, struct text id)
{
    jout_open(out, '{');
    jout_pair(out, "Id", id);
    jout_close(out, '}');
}

static bool meets(const struct fault *f, size_t i)
{
    return i >= f->from && i < f->upto;
}

/* A fault on command takes some entries out before they are executed. */
static bool struck(const struct call *c, size_t i, struct text id, struct buf *failed)
{
    const struct fault *f = &c->fault;
    if (!meets(f, i)) return false;
    if (f->kind == FAULT_PARTIAL)
        write_failed(failed, id, f->code ? f->code : "InternalError",
                     f->message ? f->message : "a fault on command", f->sender_fault);
    if (f->kind == FAULT_PRETEND) write_done(c->out, id);
    return f->kind == FAULT_PARTIAL || f->kind == FAULT_PRETEND || f->kind == FAULT_OMIT_BEFORE;
}

static bool omitted(const struct call *c, size_t i)
{
    return c->fault.kind == FAULT_OMIT_AFTER && meets(&c->fault, i);
}

static void run_entry(struct call *c, const struct batch *b, const json_t *entry,
                      struct buf *failed)
{
    struct api_error e;
    struct text id = args_view(json_object_get(entry, "Id"));
    size_t start = c->out->len;
    jout_open(c->out, '{');
    jout_pair(c->out, "Id", id);
    if (b->entry(c, entry, c->out, &e)) {
        jout_close(c->out, '}');
        return;
    }
    c->out->len = start;
    const struct api_wire *wire = api_wire(e.code);
    write_failed(failed, id, wire->query, e.text, wire->status < 500);
}

/* A list without entries is left out, as AWS does. */
bool batch_run(struct call *c, const struct batch *b, struct api_error *e)
{
    json_t *entries;
    struct buf failed = {0};
    if (!args_list(c->args, "Entries", &entries, e) || !check_entries(entries, b, e)) return false;
    jout_open(c->out, '{');
    jout_key(c->out, "Successful");
    jout_open(c->out, '[');
    size_t start = c->out->len;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        if (struck(c, i, id_of(entries, i), &failed)) continue;
        size_t done = c->out->len, not_done = failed.len;
        run_entry(c, b, json_array_get(entries, i), &failed);
        if (!omitted(c, i)) continue;
        c->out->len = done;
        failed.len = not_done;
    }
    if (c->out->len > start)
        jout_close(c->out, ']');
    else
        c->out->len = 1;
    if (failed.len) {
        jout_key(c->out, "Failed");
        buf_add_char(c->out, '[');
        buf_add_text(c->out, text_of_buf(&failed));
        buf_add_char(c->out, ']');
    }
    jout_close(c->out, '}');
    buf_free(&failed);
    return true;
}
