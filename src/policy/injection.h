/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * libinjection, as it lies in Debian's libmodsecurity-dev, behind two questions. The build
 * takes injection.c where it is found and injection_none.c where it is not.
 */
#include <stdbool.h>

#include "base/slice.h"

enum { FINGERPRINT_BYTES = 16 }; /* five letters and more than libinjection ever wrote */

/* The text as it is, in each place of a query or page that it could stand in. The
 * fingerprint is a NUL-terminated word for what the text consists of. Without libinjection
 * the answer is true. */
bool injection_is_sqli(struct slice text, char fingerprint[FINGERPRINT_BYTES]);
bool injection_is_xss(struct slice text);
