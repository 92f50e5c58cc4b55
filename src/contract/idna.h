/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Labels of internationalised domain names: RFC 5890 to 5893 and Punycode (RFC 3492). What
 * Unicode says about characters is in a table that is made when building.
 */
#include <stdbool.h>

#include "base/slice.h"

/* What stands behind xn-- is Punycode of a valid label, and its only way to be written. */
bool idna_a_label(struct slice punycode);

/* A label in UTF-8 that is not ASCII; *encoded receives its length as an A-label. */
bool idna_u_label(struct slice label, size_t *encoded);
