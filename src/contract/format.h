/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `format`: is this string a date, an address, a URI? Takes time that grows with the length of
 * the text only; allocates nothing.
 */
#include <stdbool.h>

#include "base/slice.h"

typedef bool (*format_fn)(struct slice text);

/* The check of that name, or NULL for a format that nobody knows. */
format_fn format_find(struct slice name);

bool format_date(struct slice s);         /* RFC 3339 full-date */
bool format_time(struct slice s);         /* RFC 3339 full-time, leap seconds where they can be */
bool format_date_time(struct slice s);    /* RFC 3339 date-time */
bool format_duration(struct slice s);     /* RFC 3339 appendix A */
bool format_email(struct slice s);        /* RFC 5321 Mailbox */
bool format_idn_email(struct slice s);    /* RFC 6531 */
bool format_hostname(struct slice s);     /* RFC 1123, A-labels checked as RFC 5891 */
bool format_idn_hostname(struct slice s); /* RFC 5890 */
bool format_ipv4(struct slice s);         /* RFC 2673 dotted quad */
bool format_ipv6(struct slice s);         /* RFC 4291 section 2.2 */
bool format_uri(struct slice s);          /* RFC 3986 */
bool format_uri_reference(struct slice s);
bool format_iri(struct slice s); /* RFC 3987 */
bool format_iri_reference(struct slice s);
bool format_uri_template(struct slice s); /* RFC 6570 */
bool format_uuid(struct slice s);         /* RFC 4122 */
bool format_json_pointer(struct slice s); /* RFC 6901 */
bool format_relative_json_pointer(struct slice s);
bool format_regex(struct slice s); /* ECMA-262, see regex.h */
