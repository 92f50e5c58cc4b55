/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is an audit log whole? Bytes in, verdict out; no system calls.
 *
 *   init -> (file -> feed ... -> file_end) for each file, oldest first -> end
 *
 * The first thing that is wrong ends it: `broken` with the file, the line and a sentence.
 * Which line was changed is told by the one behind: when the lines 4 and 5 do not fit, but 5 and 6
 * do, it was 4.
 *
 * What no log can show by itself: that lines behind the last checkpoint were changed by
 * somebody who recomputed the hashes, and that its end was cut off at a line. For the latter
 * a place that is known from elsewhere can be demanded: auditlog_check_expect.
 */
#include "base/buf.h"
#include "obs/auditlog_line.h"

enum { AUDITLOG_WHY_BYTES = 256 };

struct auditlog_check {
	/* The verdict. */
	bool broken;
	size_t broken_file; /* counts from 0, in the order of auditlog_check_file */
	uint64_t broken_line;
	char why[AUDITLOG_WHY_BYTES];

	/* What was seen, for the report. */
	uint64_t lines, first_seq, checkpoints, left_out, dropped, unsigned_lines, restarts, torn;
	char log[AUDITLOG_ID_CHARS], follows[AUDITLOG_ID_CHARS];
	bool follows_one;
	char first_time[32], last_time[32];
	struct auditlog_keys named; /* keys that the log itself names */

	/* Inside. */
	const struct auditlog_keys *trusted;
	size_t files, file;
	uint64_t line; /* of the file, from 1 */
	struct buf partial, torn_piece;
	uint64_t torn_line;
	bool started, after_begin;
	struct auditlog_place place; /* of the next line */
	bool doubted;                /* the line before and the one before that did not fit */
	size_t doubted_file;
	uint64_t doubted_line, last_line;
	size_t last_file;
	char kid[AUDITLOG_KEY_CHARS]; /* of the last begin */
	struct {
		bool wanted, met;
		uint64_t seq;
		uint8_t hash[AUDITLOG_HASH_BYTES];
	} expected;
};

/* trusted NULL: the keys that the log names count, which shows only that nobody without them
 * changed it. Outlives c. */
void auditlog_check_init(struct auditlog_check *c, const struct auditlog_keys *trusted);

/* The line of that number must be there and have that hash. */
void auditlog_check_expect(struct auditlog_check *c, uint64_t seq,
			   const uint8_t hash[AUDITLOG_HASH_BYTES]);

void auditlog_check_file(struct auditlog_check *c);
void auditlog_check_feed(struct auditlog_check *c, struct slice piece);
void auditlog_check_file_end(struct auditlog_check *c);
void auditlog_check_end(struct auditlog_check *c);

/* Accepts a second call. */
void auditlog_check_deinit(struct auditlog_check *c);
