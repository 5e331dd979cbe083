#include "tests/sim/args.h"

#include <inttypes.h>

struct text args_view(const json_t *string)
{
    return (struct text){json_string_value(string), json_string_length(string)};
}

static const json_t *get(const json_t *o, const char *name)
{
    const json_t *value = json_object_get(o, name);
    return json_is_null(value) ? NULL : value;
}

static bool wrong_type(const char *name, const char *wanted, struct api_error *e)
{
    return api_fail(e, API_SERIALIZATION, "The value of %s can not be converted to %s", name,
                    wanted);
}

bool args_missing(const char *name, struct api_error *e)
{
    return api_fail(e, API_MISSING_PARAMETER, "The request must contain the parameter %s.", name);
}

bool args_text(const json_t *o, const char *name, struct text *out, struct api_error *e)
{
    const json_t *value = get(o, name);
    *out = value ? args_view(value) : (struct text){0};
    return !value || json_is_string(value) || wrong_type(name, "a String", e);
}

bool args_need_text(const json_t *o, const char *name, struct text *out, struct api_error *e)
{
    if (!args_text(o, name, out, e)) return false;
    return out->len || args_missing(name, e);
}

bool args_int(const json_t *o, const char *name, int64_t *out, struct api_error *e)
{
    const json_t *value = get(o, name);
    if (!value) return true;
    if (!json_is_integer(value)) return wrong_type(name, "an Integer", e);
    *out = json_integer_value(value);
    return true;
}

bool args_int_within(const json_t *o, const char *name, const struct args_range *range,
                     int64_t *out, struct api_error *e)
{
    int64_t value = range->min;
    if (!args_int(o, name, &value, e)) return false;
    if (value < range->min || value > range->max)
        return api_fail(e, API_INVALID_PARAMETER,
                        "Value %" PRId64 " for parameter %s is invalid. Reason: %s", value, name,
                        range->words);
    return args_int(o, name, out, e);
}

bool args_list(const json_t *o, const char *name, json_t **out, struct api_error *e)
{
    *out = json_object_get(o, name);
    if (json_is_null(*out)) *out = NULL;
    return !*out || json_is_array(*out) || wrong_type(name, "a List", e);
}

bool args_map(const json_t *o, const char *name, json_t **out, struct api_error *e)
{
    *out = json_object_get(o, name);
    if (json_is_null(*out)) *out = NULL;
    return !*out || json_is_object(*out) || wrong_type(name, "a Map", e);
}

bool args_names(const json_t *o, const char *name, json_t **out, struct api_error *e)
{
    if (!args_list(o, name, out, e)) return false;
    for (size_t i = 0; i < json_array_size(*out); i++) {
        if (!json_is_string(json_array_get(*out, i)))
            return wrong_type(name, "a List of Strings", e);
    }
    return true;
}
