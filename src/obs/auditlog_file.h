/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The file that the audit log is appended to, and those before it.
 *
 *   audit.jsonl.000001  audit.jsonl.000002  ...  audit.jsonl   <- written, locked
 *
 * One process writes a file: it holds a lock. A file is only ever appended to and renamed,
 * never to a name that is taken; nothing is deleted here. Reading back its end is how a chain
 * goes on after a restart.
 */
#include <limits.h>
#include <sys/types.h>

#include "obs/auditlog_line.h"

struct auditlog_file {
	char path[PATH_MAX];
	int fd;
	uint64_t bytes;
	uint64_t number;
};

/* What a file that was there already ends with. */
struct auditlog_tail {
	bool goes_on; /* the log of that name goes on at that place */
	char log[AUDITLOG_ID_CHARS];
	struct auditlog_place place;
	uint64_t torn_bytes; /* left behind by a crash; its line is ended now */
	uint8_t torn[AUDITLOG_HASH_BYTES];
	/* Another process was writing the file: it was moved aside, and what begins now follows. */
	bool follows_one;
	char follows[AUDITLOG_ID_CHARS];
	bool unreadable; /* moved aside for that */
};

/* Opens path for appending, making it if need be; chained: with the place of the next line.
 * Returns 0 or -errno with a sentence; -EEXIST: it is something else than an audit log. */
int auditlog_file_open(struct auditlog_file *f, struct slice path, bool chained,
		       struct auditlog_tail *tail);

/* Renames it to the next number and opens a new one. Returns 0 or -errno; then the old one may
 * still be written, and it may be tried again. */
int auditlog_file_rotate(struct auditlog_file *f);

/* Somebody else has moved the file away: opens a new one. Returns 1 when it did, 0 when
 * there was nothing to do, or -errno with the old one still open. */
int auditlog_file_reopen(struct auditlog_file *f);

void auditlog_file_close(struct auditlog_file *f);
