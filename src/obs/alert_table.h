/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What needs a person, and who has been told of it. No system calls: time comes in.
 *
 *   raise, over --> rows: one for each kind and what it is about
 *                     |   what is so now, and a number that moves with every news
 *                   hooks: for each row, which number it has been told, and when
 *                     |
 *                     +--> alert_next: told less than there is, or again because it lasts
 *
 * Not a queue of messages but a comparison: what happens again before it was told is one
 * message, with a count; a hook that was away hears how things are now. So the memory is
 * fixed, and nothing floods whoever is called.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/alert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "conf/snapshot.h"

enum {
	ALERT_ROWS = 64,
	ALERT_ABOUT_MAX = 128,
	ALERT_WHAT_MAX = 256,
	ALERT_CALM_MS = 5000,   /* what is raised again within that was not over */
	ALERT_PAUSE_MS = 30000, /* between two messages about the same, at least */
	ALERT_RETRY_MS = 1000,  /* the first; each is twice the one before */
	ALERT_RETRY_MOST_MS = 300000,
	ALERT_ATTEMPTS = 12, /* then it is given up: half an hour */
};

struct alert {
	enum alert_kind kind; /* ALERT_NONE: a free row */
	char about[ALERT_ABOUT_MAX], what[ALERT_WHAT_MAX];
	bool lasts;         /* at the moment */
	bool ending;        /* it will be over when it stays calm */
	uint64_t raised_us; /* the last time; monotonic */
	uint32_t level;
	uint64_t count; /* how often it was raised */
	uint64_t since_unix_ms, changed_unix_ms;
	uint64_t news;
	uint64_t round; /* of alert_sweep */
};

/* What a hook wants. */
struct alert_wish {
	uint64_t key; /* the same over reloads for the same hook */
	uint32_t on;  /* sum of ALERT_BIT */
	uint64_t again_ms;
	uint32_t surge_level; /* a SURGE below it is none */
};

struct alert_told {
	uint64_t news;
	uint64_t at_ms; /* 0: never */
};

struct alert_hook {
	struct alert_wish wish;
	struct alert_told told[ALERT_ROWS];
	bool calling;
	size_t row; /* that it is being told */
	uint64_t news;
	unsigned attempts;
	uint64_t next_ms;
};

struct alert_table {
	struct alert rows[ALERT_ROWS];
	struct alert_hook hooks[CONF_ALERTS_MAX];
	size_t hook_count;
	uint64_t news, round;
	uint64_t no_room; /* alerts that found no row */
};

/* The wishes from now on. A hook of before keeps what it was told; a new one hears what lasts. */
void alert_set_hooks(struct alert_table *t, const struct alert_wish *wishes, size_t count);

/* Returns true when that is news. level 0 where there are none. Texts are cut off. */
bool alert_raise(struct alert_table *t, struct clock_now now, enum alert_kind kind,
		 struct slice about, struct slice what, uint32_t level);

/* It is over, once nobody has raised it for ALERT_CALM_MS: alert_settle says when. */
void alert_over(struct alert_table *t, enum alert_kind kind, struct slice about);

/* Around raising all that there is of a kind: what was not raised in between is over. */
void alert_sweep_begin(struct alert_table *t);
void alert_sweep_end(struct alert_table *t, enum alert_kind kind);

/* One that is over now, which is news, or NULL: to be called until then. */
const struct alert *alert_settle(struct alert_table *t, struct clock_now now);

/* How many last. */
size_t alert_lasting(const struct alert_table *t);

/* What that hook is to be told now, or NULL; it counts as being told until alert_done. *again: it
 * knows that already. Valid until the next call. */
const struct alert *alert_next(struct alert_table *t, size_t hook, uint64_t now_ms, bool *again);

enum alert_outcome { ALERT_RETRY = 0, ALERT_DELIVERED, ALERT_REFUSED };

/* The call of the hook with that key has ended; random spreads the next attempt. Returns true
 * when the alert is given up. Nothing happens if the hook has gone. */
bool alert_done(struct alert_table *t, uint64_t key, uint64_t now_ms, enum alert_outcome outcome,
		uint32_t random);

/* `raised`, `lasts`, `over`, `happened` */
const char *alert_state(const struct alert *a, bool again);

/* Appends the body of a webhook. Returns as buf_append. */
int alert_body(const struct alert *a, bool again, struct slice node, uint64_t unix_ms,
	       struct buf *to) __attribute__((warn_unused_result));
