/* Reads members of a request's JSON. An absent member and a null are the same; a wrong type is an
 * error of the whole request, as it is on AWS. Views point into the JSON value. */
#ifndef SIM_ARGS_H
#define SIM_ARGS_H

#include "tests/sim/api_error.h"
#include "tests/sim/text.h"

#include <jansson.h>

struct args_range {
    int64_t min, max;
    const char *words; /* how AWS words these limits */
};

struct text args_view(const json_t *string);

bool args_text(const json_t *o, const char *name, struct text *out, struct api_error *e);
bool args_need_text(const json_t *o, const char *name, struct text *out, struct api_error *e);
/* Leaves *out alone when the member is absent. */
bool args_int(const json_t *o, const char *name, int64_t *out, struct api_error *e);
bool args_int_within(const json_t *o, const char *name, const struct args_range *range,
                     int64_t *out, struct api_error *e);
/* *out is NULL when the member is absent. */
bool args_list(const json_t *o, const char *name, json_t **out, struct api_error *e);
bool args_map(const json_t *o, const char *name, json_t **out, struct api_error *e);
/* A list of nothing but strings. */
bool args_names(const json_t *o, const char *name, json_t **out, struct api_error *e);
bool args_missing(const char *name, struct api_error *e);

#endif
