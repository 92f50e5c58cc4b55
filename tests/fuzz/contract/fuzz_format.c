/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text against every format, and as a pattern. A hostname is an idn-hostname, a URI is an
 * IRI, and so on; what our parser of patterns takes is either taken by PCRE2 or refused with a
 * sentence, and matching ends.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/obj.h"
#include "base/utf8.h"
#include "contract/format.h"
#include "contract/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void match(struct slice pattern)
{
	struct regex_room *room = regex_room_new();
	const char *why = NULL;
	struct arena a;

	MUST(room);
	arena_init(&a, 1 << 14, 1 << 26);
	const struct regex *re = regex_compile(pattern, &a, &why);
	MUST(re || why);
	MUST(!re || regex_valid(pattern));
	if (re) {
		enum regex_result r = regex_match(re, pattern, room);
		MUST(r == regex_match(re, pattern, room));
		/* The patterns that every text matches: none is that simple but the empty one. */
		MUST(pattern.len || r == REGEX_YES);
	}
	arena_deinit(&a);
	regex_room_free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = slice_of((const char *)data, size);

	if (size > 2048 || !utf8_valid(s))
		return 0;
	MUST(!format_hostname(s) || format_idn_hostname(s));
	MUST(!format_email(s) || format_idn_email(s));
	MUST(!format_uri(s) || (format_uri_reference(s) && format_iri(s)));
	MUST(!format_uri_reference(s) || format_iri_reference(s));
	MUST(!format_iri(s) || format_iri_reference(s));
	MUST(!(format_ipv4(s) && format_ipv6(s)));
	MUST(!(format_date(s) && format_date_time(s)));
	MUST(!(format_time(s) && format_duration(s)));
	MUST(!format_json_pointer(s) || s.len == 0 || s.data[0] == '/');
	if (format_relative_json_pointer(s) || format_uuid(s))
		MUST(!format_json_pointer(s));
	if (format_uri_template(s))
		MUST(!memchr(s.data ? s.data : "", ' ', s.len));
	match(s);
	return 0;
}
