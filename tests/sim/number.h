/* Values of the attribute type Number: up to 38 digits, 10^-128 to 10^126 (SQS developer guide,
 * message metadata). */
#ifndef SIM_NUMBER_H
#define SIM_NUMBER_H

#include "tests/sim/text.h"

bool number_ok(struct text t);
/* SQS strips leading and trailing zeros. Appends the stripped number; false, and nothing appended,
 * when it is the same or has an exponent. */
bool number_trim(struct text t, struct buf *out);

#endif
