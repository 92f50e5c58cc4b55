/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The audit log: decisions in a file, in a chain that shows when somebody changed it.
 *
 *   worker --event--> limit --render--+
 *   worker --event--> limit --render--+--> one bounded buffer --> writer thread:
 *   control --------------------------+        number, hash, sign, append, rotate
 *
 * No worker waits for the disk: it renders on the spot and copies under a lock held for
 * that copy. The writer alone knows numbers and hashes, so a line that never got there leaves no
 * gap; it is counted, and the count is a line of the chain.
 *
 *   over the rate of its reason   counted by reason; a line `left_out` a second later
 *   the disk is full              the writer keeps what it has, to the byte, and tries
 *                                 again each second; when the buffer is full as well, lines
 *                                 are counted; a line `dropped` once there is room
 *
 * The form of the lines is in auditlog_line.h, which events are taken in auditlog.tbl.h.
 */
#include "base/event.h"
#include "base/rate.h"
#include "obs/auditlog_key.h"

struct auditlog;

struct auditlog_rules {
	struct rate lines;      /* for each reason */
	uint64_t size;          /* bytes of a file, about */
	uint64_t checkpoint_ms; /* between checkpoints, at most, while there are lines */
};

struct auditlog_facts {
	struct slice path;
	bool chained;
	struct auditlog_rules rules;
	const struct auditlog_key *key; /* with chained; a reference is taken */
	struct event_sink *log;         /* for what goes wrong with it */
};

struct auditlog_counts {
	uint64_t lines, left_out, dropped;
	bool failing; /* at the moment it cannot be written */
};

/* From now on events are taken; nothing is written yet. Returns 0 or -errno. */
int auditlog_new(const struct auditlog_facts *facts, struct auditlog **out);

/* Opens the file, starts the writer. Returns 0 or -errno. */
int auditlog_start(struct auditlog *a);

/* A sink that any thread may use; valid until auditlog_free. */
struct event_sink *auditlog_sink(struct auditlog *a);

/* A reload: other rules, perhaps another key (NULL: the same), and the file is looked for again. */
void auditlog_reload(struct auditlog *a, const struct auditlog_rules *rules,
		     const struct auditlog_key *key);

/* The file was moved away by somebody else: another is begun. */
void auditlog_reopen(struct auditlog *a);

/* What was counted so far. Any thread. */
struct auditlog_counts auditlog_count(const struct auditlog *a);

/* Writes what waits and a last checkpoint, and ends the writer. What cannot be written then is
 * lost, and said so. The sink goes on taking, for nobody. Accepts NULL and a second call. */
void auditlog_end(struct auditlog *a);

/* auditlog_end, and frees. Accepts NULL. */
void auditlog_free(struct auditlog *a);
