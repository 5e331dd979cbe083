#include "connectors/file/jsonl.h"

#include <stdio.h>

#include "bridge/json.h"
#include "bridge/mapping.h"
#include "bridge/text.h"

static void write_text(struct json_writer *w, const char *name, struct bytes text)
{
    if (!text.ptr) return;
    if (text_is_utf8(text)) {
        json_key(w, name);
        json_string(w, text);
        return;
    }
    char name_base64[32];
    snprintf(name_base64, sizeof(name_base64), "%s_base64", name);
    json_key(w, name_base64);
    json_base64(w, text);
}

static void write_type_and_value(struct json_writer *w, const struct attr *a)
{
    char type[300];
    size_t len = mapping_type_write(a, type, sizeof(type));
    write_text(w, "type", bytes_of(type, len));
    write_text(w, "value", a->value.ptr ? a->value : BYTES_LIT(""));
}

static bool is_plain(const struct attr *a)
{
    return a->type == ATTR_STRING && a->subtype.len == 0 && text_is_utf8(a->value);
}

static void write_member(struct json_writer *w, const struct attr *a)
{
    json_key_bytes(w, a->name);
    if (is_plain(a)) {
        json_string(w, a->value);
        return;
    }
    json_object(w);
    write_type_and_value(w, a);
    json_object_end(w);
}

static void write_element(struct json_writer *w, const struct attr *a)
{
    json_object(w);
    write_text(w, "name", a->name.ptr ? a->name : BYTES_LIT(""));
    write_type_and_value(w, a);
    json_object_end(w);
}

/* The members of an object have different names, in UTF-8. */
static bool fit_an_object(const struct msg *m)
{
    for (size_t i = 0; i < m->attr_count; i++) {
        const struct attr *a = &m->attrs[i];
        if (msg_attr(m, a->name) != a || !text_is_utf8(a->name)) return false;
    }
    return true;
}

static void write_attributes(struct json_writer *w, const struct msg *m)
{
    json_key(w, "attributes");
    if (fit_an_object(m)) {
        json_object(w);
        for (size_t i = 0; i < m->attr_count; i++)
            write_member(w, &m->attrs[i]);
        json_object_end(w);
        return;
    }
    json_array(w);
    for (size_t i = 0; i < m->attr_count; i++)
        write_element(w, &m->attrs[i]);
    json_array_end(w);
}

void jsonl_write(const struct msg *m, struct buf *out)
{
    struct json_writer w = {.out = out};
    json_object(&w);
    write_text(&w, "body", m->body);
    write_text(&w, "key", m->key);
    write_text(&w, "topic", m->topic);
    if (m->timestamp_ms) {
        json_key(&w, "timestamp");
        json_number(&w, m->timestamp_ms);
    }
    if (m->attr_count) write_attributes(&w, m);
    json_object_end(&w);
}
