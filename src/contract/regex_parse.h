/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reading a pattern as ECMA-262 does and writing it for PCRE2; for regex.c only.
 */
#include "contract/regex.h"

struct regex_text {
	char *data; /* NULL: only reading */
	size_t len, room;
};

/* Reads the pattern, appends what PCRE2 gets to *out (room is checked). Returns NULL, or what is
 * wrong, a static sentence. */
const char *regex_parse(struct slice pattern, struct regex_text *out);

/* Is this the value of \p{...}? `out` receives what PCRE2 calls it. False if ECMA-262 has none. */
bool regex_property(struct slice name, struct slice *pcre_name);
