/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering events; see event_json.h. */
#include "obs/event_json.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/jsonout.h"

struct slice event_time(uint64_t unix_ms, char out[EVENT_TIME_CHARS + 1])
{
	time_t seconds = (time_t)(unix_ms / CLOCK_MS_PER_S);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	size_t len = strftime(out, EVENT_TIME_CHARS + 1, "%Y-%m-%dT%H:%M:%S", &utc);
	int n = snprintf(out + len, EVENT_TIME_CHARS + 1 - len, ".%03uZ",
			 (unsigned)(unix_ms % CLOCK_MS_PER_S));
	return slice_of(out, len + (n > 0 ? (size_t)n : 0));
}

const char *event_level_word(enum event_level level)
{
	static const char *const words[] = {"error", "warn", "info", "debug"};

	return words[level];
}

static void value(struct jsonout *out, const struct event_field *f, size_t most)
{
	if (f->is_number)
		jsonout_i64(out, f->number);
	else
		jsonout_string(out, slice_first(f->text, most));
}

bool event_value(const struct event_field *f, struct buf *to)
{
	struct jsonout out;

	jsonout_init(&out, to);
	value(&out, f, EVENT_FIELD_BYTES);
	return out.ok;
}

static bool members(const struct event *e, uint64_t unix_ms, size_t most, struct buf *to)
{
	char now[EVENT_TIME_CHARS + 1];
	struct jsonout out;

	jsonout_init(&out, to);
	jsonout_member(&out, "time", event_time(unix_ms, now));
	jsonout_member_cstring(&out, "level", event_level_word(e->level));
	jsonout_member_cstring(&out, "event", e->name);
	for (unsigned i = 0; i < e->count; i++) {
		jsonout_key(&out, e->fields[i].key);
		value(&out, &e->fields[i], most);
	}
	if (most < EVENT_FIELD_BYTES)
		jsonout_member_bool(&out, "cut", true);
	return out.ok;
}

bool event_members(const struct event *e, uint64_t unix_ms, struct buf *to)
{
	size_t before = buf_waiting(to);

	if (members(e, unix_ms, EVENT_FIELD_BYTES, to))
		return true;
	buf_truncate(to, before);
	if (members(e, unix_ms, EVENT_FIELD_SHORT, to))
		return true;
	buf_truncate(to, before);
	return false;
}
