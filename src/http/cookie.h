/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One cookie out of a Cookie field (RFC 6265 section 4.2.1).
 *
 * Values of other cookies may hold what browsers let scripts store (spaces, commas, braces);
 * what may not happen is that another reader cuts the field elsewhere: a quote that opens
 * before a ';' and closes behind it, or a '=' without a name, makes the whole field malformed.
 * A piece without '=' is a cookie without a name and passed over.
 */
#include "http/target.h"

/*
 * The value of the only cookie with exactly that name (case matters, as do __Host- and
 * __Secure-). Quotes around a value stay part of it. HTTP_FIND_AMBIGUOUS if the
 * name comes twice: with and without Path or Domain both are sent, in an order an attacker on a
 * sibling domain can choose. HTTP_FIND_MALFORMED also if this cookie's value is not of
 * cookie-octets.
 */
enum http_find http_cookie_find(struct slice field, struct slice name, struct slice *value);

/* May a cookie have that name? A token. */
bool http_cookie_name_ok(struct slice name);
