/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The audit log from within: what auditlog.c (taking events, begin and end) and auditlog_writer.c
 * (the file, and the thread that writes it) share. Private to them.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "obs/auditlog.h"
#include "obs/auditlog_file.h"
#include "obs/auditlog_line.h"
#include "obs/event_json.h"

enum {
	AUDITLOG_MAGIC = 0xa0d171,
	AUDITLOG_BODY_MAX = EVENT_JSON_MAX,
	AUDITLOG_OUT_MAX = 64 * 1024, /* rendered at once; one line more at most */
};

/* Rows of auditlog.tbl.h, and the first for events that have none. */
enum {
	AUDITLOG_ROWS = 1
#define AUDITLOG(name, class) +1
#include "obs/auditlog.tbl.h"
#undef AUDITLOG
};

struct auditlog_counted {
	struct bucket bucket;
	uint64_t left_out, since_unix_ms;
};

struct auditlog {
	struct event_sink sink; /* first: the sink is the log */
	uint32_t magic;
	bool chained;
	struct event_sink *log;
	struct slice path;
	pthread_t thread;
	bool running;

	/* Shared; under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping, reopen;
	struct auditlog_rules rules;
	struct auditlog_key next_key; /* with key: to be taken over */
	struct buf waiting;           /* bodies, a line each */
	uint64_t dropped, dropped_since_unix_ms;
	bool any_left_out;
	struct auditlog_counted counted[AUDITLOG_ROWS][REASON_COUNT];

	/* Written by the writer, but for the last. */
	_Atomic uint64_t lines_count, left_out_count, dropped_count;
	_Atomic bool failing;

	/* The writer's own. */
	struct auditlog_file file;
	struct auditlog_key key;
	struct auditlog_place place;
	char id[AUDITLOG_ID_CHARS];
	struct buf batch, out;
	unsigned behind; /* lines since the last checkpoint */
	uint64_t size, checkpoint_ms;
	uint64_t checkpoint_due_ms, left_out_due_ms; /* monotonic */
	bool rotation_failed;
};

/* --- auditlog.c */

/* The event that the row is for; "other" for the first. */
const char *auditlog_row_name(unsigned row);
