/* AddPermission and RemovePermission: each label is a statement of the queue's policy. Nothing is
 * enforced: all requests come from the owner. */
#include "tests/sim/args.h"
#include "tests/sim/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool label_ok(struct text label)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    for (size_t i = 0; i < label.len; i++) {
        if (!label.ptr[i] || !strchr(allowed, label.ptr[i])) return false;
    }
    return label.len >= 1 && label.len <= 80;
}

static bool read_label(struct call *c, struct text *label, struct api_error *e)
{
    if (!args_need_text(c->args, "Label", label, e)) return false;
    return label_ok(*label) || api_fail(e, API_INVALID_PARAMETER,
                                        "Value %.*s for parameter Label is invalid. Reason: Can "
                                        "only include alphanumeric characters, hyphens, or "
                                        "underscores. 1 to 80 in length.",
                                        (int)label->len, label->ptr);
}

/* ---- the policy ---- */

static json_t *open_policy(const struct queue *q)
{
    char id[300];
    json_t *policy = q->settings.policy ? json_loads(q->settings.policy, 0, NULL) : NULL;
    if (!json_is_object(policy)) {
        json_decref(policy);
        snprintf(id, sizeof(id), "%s/SQSDefaultPolicy", q->arn);
        policy = json_pack("{s:s, s:s}", "Version", "2008-10-17", "Id", id);
    }
    if (!json_is_array(json_object_get(policy, "Statement")))
        json_object_set_new(policy, "Statement", json_array());
    return policy;
}

/* Takes policy; one without a statement is none. */
static void close_policy(struct queue *q, json_t *policy)
{
    bool empty = json_array_size(json_object_get(policy, "Statement")) == 0;
    free(q->settings.policy);
    q->settings.policy = empty ? NULL : json_dumps(policy, JSON_COMPACT);
    json_decref(policy);
}

/* The place of the statement of that label; the number of all: there is none. */
static size_t find_label(const json_t *statements, struct text label)
{
    size_t i = 0;
    for (; i < json_array_size(statements); i++)
        if (text_equal(args_view(json_object_get(json_array_get(statements, i), "Sid")), label))
            break;
    return i;
}

/* "SendMessage" -> "SQS:SendMessage", "1234" -> "arn:aws:iam::1234:root". */
static json_t *spelled(const json_t *names, const char *before, const char *after)
{
    json_t *list = json_array();
    char text[300];
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        snprintf(text, sizeof(text), "%s%s%s", before, name ? name : "", after);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static json_t *statement_of(const struct queue *q, struct text label, const json_t *accounts,
                            const json_t *names)
{
    return json_pack("{s:s%, s:s, s:{s:o}, s:o, s:s}", "Sid", label.ptr, label.len, "Effect",
                     "Allow", "Principal", "AWS", spelled(accounts, "arn:aws:iam::", ":root"),
                     "Action", spelled(names, "SQS:", ""), "Resource", q->arn);
}

/* ---- actions ---- */

static bool check_lists(const json_t *accounts, const json_t *names, struct api_error *e)
{
    if (!json_array_size(accounts)) return args_missing("AWSAccountIds", e);
    if (!json_array_size(names)) return args_missing("Actions", e);
    return json_array_size(names) <= 7 ||
           api_fail(e, API_OVER_LIMIT, "%zu Actions were found, maximum allowed is 7.",
                    json_array_size(names));
}

bool action_add_permission(struct call *c, struct api_error *e)
{
    struct text label;
    json_t *accounts, *names;
    if (!read_label(c, &label, e) || !args_names(c->args, "AWSAccountIds", &accounts, e) ||
        !args_names(c->args, "Actions", &names, e) || !check_lists(accounts, names, e))
        return false;
    json_t *policy = open_policy(c->queue), *statements = json_object_get(policy, "Statement");
    bool is_new = find_label(statements, label) == json_array_size(statements);
    if (is_new) json_array_append_new(statements, statement_of(c->queue, label, accounts, names));
    close_policy(c->queue, policy);
    return is_new || api_fail(e, API_INVALID_PARAMETER,
                              "Value %.*s for parameter Label is invalid. Reason: Already exists.",
                              (int)label.len, label.ptr);
}

bool action_remove_permission(struct call *c, struct api_error *e)
{
    struct text label;
    if (!read_label(c, &label, e)) return false;
    json_t *policy = open_policy(c->queue), *statements = json_object_get(policy, "Statement");
    size_t at = find_label(statements, label);
    bool found = at < json_array_size(statements);
    if (found) json_array_remove(statements, at);
    close_policy(c->queue, policy);
    return found || api_fail(e, API_INVALID_PARAMETER,
                             "Value %.*s for parameter Label is invalid. Reason: can't find label "
                             "on existing policy.",
                             (int)label.len, label.ptr);
}
