/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The siege level, on the control thread: measured once a second, said to the workers, the log,
 * the metrics and the operator. What the numbers mean is policy/siege.h's.
 */
#include "base/buf.h"
#include "policy/siege.h"

struct serve;

/* What is counted up to the last look, and the ladder. */
struct siege_watch {
	struct siege ladder;
	uint64_t looked_ms; /* 0: not yet */
	int64_t handshakes, refused, tickets, tls_us, turned_away;
	uint64_t descriptors_max;
};

/* Open ones, ours and the peers'. */
uint64_t siege_descriptors(const struct serve *s);

/* Once a second. */
void siege_look(struct serve *s);

/* An operator's word: the level from now on, or what is measured again. */
void siege_command(struct serve *s, unsigned level);
void siege_command_auto(struct serve *s);

/* Appends where it stands and why, as a JSON object. Returns as buf_append. */
int siege_show(const struct serve *s, struct buf *out) __attribute__((warn_unused_result));
