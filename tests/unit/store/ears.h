/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Whoever a store in Redis talks to by itself: what it said is kept. Asks for no memory.
 */
#include <stdio.h>

#include "base/event.h"
#include "store/redis.h"
#include "unit.h"

static struct {
	unsigned ups, downs, tolds;
	uint8_t kind; /* of what was revoked last */
	uint64_t at;
	char what[256], logged[4096]; /* name.key=text of each field, as far as there is room */
} ears;

static void ears_take_event(struct event_sink *sink, const struct event *e)
{
	size_t at = strlen(ears.logged);

	(void)sink;
	for (unsigned i = 0; i < e->count && at < sizeof(ears.logged) - 100; i++)
		at += (size_t)snprintf(ears.logged + at, 100, "%s.%s=%.*s\n", e->name,
				       e->fields[i].key, SLICE_ARG(e->fields[i].text));
}

static struct event_sink ears_log = {.level = EVENT_DEBUG, .take = ears_take_event};

static void ears_changed(void *arg, bool up)
{
	(void)arg;
	ears.ups += up;
	ears.downs += !up;
}

static void ears_revoked(void *arg, uint8_t kind, struct slice text, uint64_t at)
{
	(void)arg;
	ears.tolds++;
	ears.kind = kind;
	ears.at = at;
	snprintf(ears.what, sizeof(ears.what), "%.*s", SLICE_ARG(text));
}

static inline void ears_open(void)
{
	memset(&ears, 0, sizeof(ears));
}

/* Of a store on this machine that talks to them. */
static inline struct redis_facts ears_facts(struct stream_scratch *scratch, uint16_t port)
{
	return (struct redis_facts){
		.scratch = scratch,
		.log = &ears_log,
		.url = SLICE("redis://here"),
		.host = SLICE("127.0.0.1"),
		.port = port,
		.changed = ears_changed,
		.revoked = ears_revoked,
	};
}
