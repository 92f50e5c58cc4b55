/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One set of the values that were seen, step by step: for quota.c and its test, which does the
 * steps of two threads in each order. */
#include <stdbool.h>
#include <stdint.h>

enum { QUOTA_SEEN_WAYS = 16 };

/* What a look at one set finds. */
struct quota_look {
	bool again;   /* the tag is there */
	bool crowded; /* its newest has to be copied first, and there is no word for it */
	uint64_t newest;
	_Atomic uint64_t *copy_to; /* NULL: it need not be copied */
	uint64_t copy_over;
};

/* now in ticks. */
struct quota_look quota_look(_Atomic uint64_t *set, uint64_t tag, uint64_t now);

/* A value's word. */
uint64_t quota_word(uint64_t tag, uint64_t until);

/* The newest is copied and replaced; false: somebody else changed the set. */
bool quota_replace(_Atomic uint64_t *set, struct quota_look *look, uint64_t wanted);
