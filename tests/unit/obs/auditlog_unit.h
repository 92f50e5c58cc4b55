/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Audit logs for tests: made line by line in memory, and judged whole.
 */
#include "base/obj.h"
#include "obs/auditlog_check.h"
#include "obs/event_json.h"
#include "unit.h"

#define UNIT_LOG "00112233445566778899aabbccddeeff"
#define UNIT_MS  UINT64_C(1700000000000)

static inline struct auditlog_keys unit_key(void)
{
	struct auditlog_keys k = {0};
	struct buf pem;

	buf_init(&pem, 4096);
	MUST(auditlog_key_make(&pem) == 0);
	MUST(auditlog_keys_add(&k, buf_slice(&pem)) == 0);
	buf_deinit(&pem);
	return k;
}

static inline void unit_begin(struct auditlog_place *at, const struct auditlog_keys *k,
			      struct buf *to)
{
	const struct auditlog_begin b = {
		.log = SLICE(UNIT_LOG),
		.file = 1,
		.kid = auditlog_key_kid(&k->keys[0]),
		.x = auditlog_key_x(&k->keys[0]),
	};
	MUST(auditlog_write_begin(at, UNIT_MS, &b, to) == 0);
}

static inline void unit_checkpoint(struct auditlog_place *at, const struct auditlog_keys *k,
				   struct buf *to)
{
	MUST(auditlog_write_checkpoint(at, UNIT_MS, &k->keys[0], to) == 0);
}

static inline void unit_refusal(struct auditlog_place *at, const char *path, struct buf *to)
{
	char room[EVENT_JSON_MAX + 1];
	struct buf body = {.data = room, .cap = sizeof(room), .max = EVENT_JSON_MAX};
	struct event e;

	event_init(&e, EVENT_INFO, "refused");
	event_reason(&e, REASON_ORIGIN_NOT_ALLOWED);
	event_cstr(&e, "path", path);
	MUST(event_members(&e, UNIT_MS, &body));
	MUST(auditlog_write(at, buf_slice(&body), to) == 0);
}

/* Two checkpoints in, and one at the end: 12 lines. */
static inline void unit_log(const struct auditlog_keys *k, struct buf *to)
{
	struct auditlog_place at = {.chained = true};

	buf_init(to, 1 << 20);
	unit_begin(&at, k, to);
	unit_checkpoint(&at, k, to);
	for (int i = 0; i < 5; i++)
		unit_refusal(&at, "/first", to);
	unit_checkpoint(&at, k, to);
	for (int i = 0; i < 3; i++)
		unit_refusal(&at, "/second", to);
	unit_checkpoint(&at, k, to);
}

/* Judges one file; the caller ends c. */
static inline void unit_judge(struct auditlog_check *c, const struct auditlog_keys *trusted,
			      struct slice text)
{
	auditlog_check_init(c, trusted);
	auditlog_check_file(c);
	auditlog_check_feed(c, text);
	auditlog_check_file_end(c);
	auditlog_check_end(c);
}

/* The line of that number (from 1), with its line feed. */
static inline struct slice unit_line(struct slice text, size_t number)
{
	while (--number)
		text = slice_from(text, slice_index(text, '\n') + 1);
	return slice_first(text, slice_index(text, '\n') + 1);
}
