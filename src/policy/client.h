/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The client library, client/sallyport.js, as `GET /.sallyport/client.js` answers it. Made when
 * the gateway is built, by client/embed.py.
 */
#include "base/slice.h"

extern const struct slice client_text;      /* without comments; ASCII */
extern const struct slice client_gzip;      /* the same, packed */
extern const struct slice client_integrity; /* `sha384-...` of the text, as `integrity` wants it */
extern const struct slice client_tag;       /* the first characters of that, fit for a URL */
