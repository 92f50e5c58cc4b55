/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in events; see event.h. */
#include "base/event.h"

#include "base/obj.h"

void event_init(struct event *e, enum event_level level, const char *name)
{
	e->name = name;
	e->level = level;
	e->count = 0;
	e->reason = REASON_NONE;
}

static void add(struct event *e, struct event_field field)
{
	MUST(e->count < EVENT_FIELDS);
	e->fields[e->count++] = field;
}

void event_text(struct event *e, const char *key, struct slice text)
{
	if (text.len)
		add(e, (struct event_field){.key = key, .text = text});
}

void event_cstr(struct event *e, const char *key, const char *text)
{
	event_text(e, key, slice_from_cstr(text));
}

void event_number(struct event *e, const char *key, int64_t number)
{
	add(e, (struct event_field){.key = key, .number = number, .is_number = true});
}

void event_reason(struct event *e, enum reason r)
{
	e->reason = r;
	event_cstr(e, "reason", reason_word(r));
}

void event_emit(struct event_sink *sink, const struct event *e)
{
	if (event_wanted(sink, e->level))
		sink->take(sink, e);
}
