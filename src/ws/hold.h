/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Growing a buffer that a peer fills: with what came, up to a limit, charged to a budget.
 * Private to src/ws. The buffer's own maximum is always what the budget granted.
 */
#include "base/buf.h"
#include "base/charge.h"
#include "base/reason.h"

struct hold {
	struct buf *buf; /* nothing is ever taken from its front */
	struct charge *charge;
	struct budget *memory;
	uint64_t limit;     /* bytes that buf may ever hold */
	uint64_t expected;  /* so many bytes will be in it, as the peer says; 0: unknown */
	uint64_t uncharged; /* the first so many bytes of its memory cost nothing */
};

/* Room for `bytes` more bytes (at least one) at *room. The memory doubles, or where it is known
 * what will come grows to that, at most fivefold, so that many small pieces cost few moves.
 * REASON_MESSAGE_TOO_BIG beyond the limit, REASON_OVERLOADED when the budget or the system has
 * no memory; then nothing changed. */
enum reason hold_reserve(const struct hold *h, size_t bytes, char **room)
	__attribute__((warn_unused_result));

/* Frees the buffer and gives the charge back. */
void hold_release(struct buf *buf, struct charge *charge);
