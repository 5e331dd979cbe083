#include "config/environment.h"

#include <stdlib.h>
#include <string.h>

static size_t name_length(const char *text)
{
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return *text && strchr(upper, *text) ? strspn(text, more) : 0;
}

/* at: after "${", with a name of name_len there. Returns what follows the "}", NULL: an error. */
static const char *variable(const char *at, size_t name_len, struct buf *out, struct error *e)
{
    const char *rest = at + name_len;
    size_t default_len = 0;
    bool has_default = strncmp(rest, ":-", 2) == 0;
    if (has_default) {
        rest += 2;
        default_len = strcspn(rest, "}");
        const char *nested = strstr(rest, "${");
        if (nested && nested < rest + default_len) {
            error_set(e, FAULT_CONFIG, "the default of ${%.*s} can't hold another ${",
                      (int)name_len, at);
            return NULL;
        }
    }
    if (rest[default_len] != '}') {
        error_set(e, FAULT_CONFIG, "${%.*s has no end (write ${%.*s} or ${%.*s:-default})",
                  (int)name_len, at, (int)name_len, at, (int)name_len, at);
        return NULL;
    }
    char *name = mem_strndup(at, name_len);
    const char *value = getenv(name);
    bool found = value && (*value || !has_default);
    if (found) {
        buf_add(out, value, strlen(value));
    } else if (has_default) {
        buf_add(out, rest, default_len);
    } else {
        error_set(e, FAULT_CONFIG,
                  "${%s} is not set in the environment (set it, or write ${%s:-default})", name,
                  name);
    }
    free(name);
    return found || has_default ? rest + default_len + 1 : NULL;
}

static bool refuse_field(struct error *e)
{
    return error_set(
        e, FAULT_CONFIG,
        "fields of the message, ${in lower case}, work only in templates; here ${NAME} "
        "is a variable of the environment (write $${ for a plain ${)");
}

bool environment_expand(const char *text, enum environment_text kind, struct buf *out,
                        struct error *e)
{
    while (*text) {
        size_t name_len;
        if (strncmp(text, "$${", 3) == 0) {
            bool keep = kind == ENVIRONMENT_TEMPLATE;
            buf_add(out, keep ? text : text + 1, keep ? 3 : 2);
            text += 3;
        } else if (strncmp(text, "${", 2) != 0) {
            buf_add(out, text++, 1);
        } else if ((name_len = name_length(text + 2)) > 0) {
            text = variable(text + 2, name_len, out, e);
            if (!text) return false;
        } else if (kind == ENVIRONMENT_PLAIN) {
            return refuse_field(e);
        } else {
            buf_add(out, text, 2);
            text += 2;
        }
    }
    buf_reserve(out, 1);
    out->ptr[out->len] = '\0';
    return true;
}
