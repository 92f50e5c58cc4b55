/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a line of the audit log looks like; written by auditlog_writer.c, read by auditlog_check.c.
 *
 *   {"seq":7,"prev":"<hash>","time":"<when>","level":"info","event":"refused", ... }
 *     |        |
 *     |        SHA-256 of the line before, its bytes without the line feed, in hexadecimal
 *     counts on by one from 0, over files and restarts
 *
 *   begin       first line of every file and of every process: which log, whose key
 *   checkpoint  signed: "sig" is over the bytes of its line before `,"sig":`, and so over
 *               everything that came before; the next line hashes the signature as well
 *   left_out    so many lines of one reason were over `lines` and not written
 *   dropped     so many lines found no room, on a full disk or in a full queue
 *
 * The order of the members is part of the form. No system calls here.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "obs/auditlog_key.h"

enum {
	AUDITLOG_LINE_MAX = 8192,
	AUDITLOG_HASH_BYTES = 32,
	AUDITLOG_HASH_CHARS = 64,
	AUDITLOG_ID_CHARS = 32,
	/* At most so many lines stand between two checkpoints. */
	AUDITLOG_UNSIGNED_MAX = 1000,
	/* A crash leaves less than that of unfinished writing. */
	AUDITLOG_TORN_MAX = 64 * 1024,
};

enum auditlog_kind {
	AUDITLOG_EVENT = 0,
	AUDITLOG_BEGIN,
	AUDITLOG_CHECKPOINT,
	AUDITLOG_LEFT_OUT,
	AUDITLOG_DROPPED,
};

struct auditlog_begin {
	struct slice log; /* its name, random */
	uint64_t file;    /* number of this file */
	struct slice kid, x;
	struct slice follows; /* the log whose writer was still busy; empty: none */
	/* What a crash left behind the line before: its length, with the line feed, and hash. */
	uint64_t torn_bytes;
	uint8_t torn[AUDITLOG_HASH_BYTES];
};

struct auditlog_line {
	enum auditlog_kind kind;
	uint64_t seq;
	bool chained; /* there is a prev */
	uint8_t prev[AUDITLOG_HASH_BYTES];
	struct slice time, event;
	struct auditlog_begin begin;
	struct slice kid, signed_part, signature; /* of a checkpoint */
	uint64_t lines;                           /* of left_out and dropped */
};

/* Reads a line, without its line feed. False: it is none of ours. Slices lie in line. */
bool auditlog_line_read(struct slice line, struct auditlog_line *out)
	__attribute__((warn_unused_result));

/* SHA-256 of a line without its line feed. */
void auditlog_hash(struct slice line, uint8_t out[AUDITLOG_HASH_BYTES]);

/* Where the next line has its place. */
struct auditlog_place {
	bool chained;
	uint64_t seq;
	uint8_t prev[AUDITLOG_HASH_BYTES];
};

/*
 * Each appends a whole line with its line feed for that place and moves the place on. Returns 0,
 * or BUF_FULL or -errno with both unchanged.
 *
 * body is what event_members makes.
 */
int auditlog_write(struct auditlog_place *at, struct slice body, struct buf *to)
	__attribute__((warn_unused_result));
int auditlog_write_begin(struct auditlog_place *at, uint64_t unix_ms,
			 const struct auditlog_begin *b, struct buf *to)
	__attribute__((warn_unused_result));
int auditlog_write_checkpoint(struct auditlog_place *at, uint64_t unix_ms,
			      const struct auditlog_key *key, struct buf *to)
	__attribute__((warn_unused_result));

/* hash as lower case hexadecimal, in out. */
struct slice auditlog_hex(const uint8_t hash[AUDITLOG_HASH_BYTES], char out[AUDITLOG_HASH_CHARS]);
