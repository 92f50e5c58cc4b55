/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The log: events become lines on standard error.
 *
 *   worker --event--> render --+
 *   worker --event--> render --+--> one bounded buffer --> writer thread --> fd
 *   control -------------------+
 *
 * No worker ever waits for a disk or a terminal: a line is rendered on the spot, copied
 * into the buffer under a lock held for that copy, and written by a thread of its own.
 * When the buffer is full, lines are dropped and counted, and the next line that fits
 * says how many. On a terminal the lines are readable text, elsewhere one JSON object each.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/event.h"

struct log;

/* Starts the writer. fd stays the caller's. Returns 0 or -errno. */
int log_start(struct log **log, int fd, enum event_level level, bool readable);

/* A sink that any thread may use; valid until log_stop. */
struct event_sink *log_sink(struct log *log);

/* Every event goes to this sink as well, each by its own level; NULL: no more. Before other
 * threads use the log, or after. */
void log_also(struct log *log, struct event_sink *other);

/* Appends {"refusals": [...]}: the latest refused handshakes and messages, oldest first, as
 * they were logged. Returns as buf_append. */
int log_recent_refusals(struct log *log, struct buf *to);

/* Writes what waits, ends the thread, frees. Accepts NULL. */
void log_stop(struct log *log);
