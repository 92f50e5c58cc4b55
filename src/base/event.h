/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Something happened that an operator may want to read: one event is one log line.
 *
 * Whoever notices fills an event on its stack and gives it to a sink; the sink (obs/log)
 * decides about level, form and place. Texts are borrowed until event_emit returns.
 * An event never carries a secret, a message's content or a query string.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/slice.h"

enum event_level { EVENT_ERROR = 0, EVENT_WARN, EVENT_INFO, EVENT_DEBUG };

enum { EVENT_FIELDS = 24 };

struct event_field {
	const char *key;
	struct slice text;
	int64_t number;
	bool is_number;
};

struct event {
	const char *name;
	enum event_level level;
	struct event_field fields[EVENT_FIELDS];
	unsigned count;
	enum reason reason; /* as its field says; REASON_NONE without one */
};

struct event_sink {
	enum event_level level; /* what is above is not worth filling in */
	void (*take)(struct event_sink *sink, const struct event *e);
};

static inline bool event_wanted(const struct event_sink *sink, enum event_level level)
{
	return sink && level <= sink->level;
}

void event_init(struct event *e, enum event_level level, const char *name);

/* Adds a field; an empty text is left out. More than EVENT_FIELDS: the process stops. */
void event_text(struct event *e, const char *key, struct slice text);
void event_cstr(struct event *e, const char *key, const char *text);
void event_number(struct event *e, const char *key, int64_t number);
void event_reason(struct event *e, enum reason r);

void event_emit(struct event_sink *sink, const struct event *e);
