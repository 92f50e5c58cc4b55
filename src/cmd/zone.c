/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones from files; see zone.h. */
#include "cmd/zone.h"

#include <stdio.h>

#include "cel/zone.h"

enum { NAME_MAX_BYTES = 64, FILE_MAX_BYTES = 64 << 10 };

/* Letters and the like, in parts that do not begin with a dot: no way out of the folder. */
static bool harmless(struct slice name)
{
	char before = '/';

	if (name.len == 0 || name.len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool inside =
			(c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' || c == '/';
		if (!letter && (before == '/' || !inside))
			return false;
		before = c;
	}
	return before != '/';
}

bool zone_offset(void *context, struct slice name, int64_t unix_seconds, int32_t *offset_seconds)
{
	char path[sizeof("/usr/share/zoneinfo/") + NAME_MAX_BYTES];
	char bytes[FILE_MAX_BYTES];

	(void)context;
	if (!harmless(name))
		return false;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", SLICE_ARG(name));
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	size_t len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	return cel_zone_offset(slice_of(bytes, len), unix_seconds, offset_seconds);
}
