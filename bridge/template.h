/* Text with fields of the message in it: "sensors/${attr:device}".
 * Fields: ${attr:NAME} ${key} ${topic} ${topic:N} (the Nth level between slashes, from 1)
 * ${position} ${timestamp}.
 * `${attr:NAME:-fallback}` and `${key:-fallback}` give the fallback where the message has none;
 * without a fallback that message is rejected.
 * `$${` is a literal `${`. Upper-case names are environment variables and are replaced before, by
 * config/. Thread: any; compiled templates are constant. */
#ifndef BRIDGE_TEMPLATE_H
#define BRIDGE_TEMPLATE_H

#include "bridge/bytes.h"
#include "bridge/error.h"
#include "bridge/msg.h"

struct template;

/* NULL and an error that names the field where the text is not a template. Free with
 * template_free(). */
struct template *template_compile(const char *text, struct error *e);
void template_free(struct template *t);

const char *template_text(const struct template *t); /* as it was written */

/* True and the text, where there is no field in it. */
bool template_is_constant(const struct template *t, struct bytes *text);

/* Appends to out. FAULT_REJECT where the message lacks a field that has no fallback. */
bool template_expand(const struct template *t, const struct msg *m, struct buf *out,
                     struct error *e) MUST_USE;

#endif
