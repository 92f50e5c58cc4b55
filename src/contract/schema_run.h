/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A validation on its way: what the parts of it share. Private to src/contract.
 *
 *   schema_run.c        the whole: its beginning and end, what the schema does not speak of, rooms
 *     schema_validate.c one node of the program at one value, and those below it
 *       schema_unique.c items that all differ
 *
 * Recursion is bounded by SCHEMA_DEPTH_MAX, the whole by a budget of steps. When a bound is
 * hit, `bound` stays set and the whole fails, so that nobody can turn the failure into its
 * opposite.
 */
#include "contract/schema_program.h"

enum { SCHEMA_STEPS_FREE = 10000 };

struct schema_room {
	struct arena arena;
	struct regex_room *regex;
	struct siphash_key secret;
	uint32_t scope[SCHEMA_DEPTH_MAX]; /* resources that were entered, outermost first */
};

struct run {
	const struct schema *schema;
	struct schema_room *room;
	struct schema_failure failure;
	uint64_t steps;
	uint32_t depth, scopes;
	bool bound;
	struct marks *marks; /* NULL: nobody asks what was not declared */
};

/* Per node of the tape: a key that the schema speaks of, an object whose members it lists. What
 * a branch marked is taken back when the branch fails. */
struct marks {
	const struct json_node *root;
	uint8_t *of_node;
	uint32_t *log; /* nodes that are marked, in order */
	uint32_t count;
};

/* Members or items that were evaluated. */
struct seen {
	uint64_t *bits;
	uint64_t few;
	uint32_t count;
};

/* It fails here, of that keyword; returns false. */
bool schema_fail(struct run *r, const struct json_node *at, const char *keyword)
	__attribute__((cold));

/* It has cost too much, and fails whatever else is said; returns false. */
bool schema_hit_bound(struct run *r, const struct json_node *at, const char *keyword)
	__attribute__((cold));

/* So many steps less; false: there are none left. */
static inline bool spend(struct run *r, uint64_t steps, const struct json_node *at,
			 const char *keyword)
{
	if (__builtin_expect(r->steps < steps, 0))
		return schema_hit_bound(r, at, keyword);
	r->steps -= steps;
	return true;
}

/* ---- what the schema speaks of */

/* r->marks is not NULL, node one of that tape. */
static inline void mark(struct run *r, const struct json_node *node)
{
	size_t index = (size_t)(node - r->marks->root);

	if (r->marks->of_node[index])
		return;
	r->marks->of_node[index] = 1;
	r->marks->log[r->marks->count++] = (uint32_t)index;
}

/* How many there are, and back to that many. */
static inline uint32_t marks_count(const struct run *r)
{
	return r->marks ? r->marks->count : 0;
}

static inline void marks_take_back(struct run *r, uint32_t count)
{
	while (r->marks && r->marks->count > count)
		r->marks->of_node[r->marks->log[--r->marks->count]] = 0;
}

/* ---- sets of members and items */

/* NULL: nobody asks. */
static inline void seen_add(struct seen *set, uint32_t index)
{
	if (set && index < set->count)
		set->bits[index / 64] |= UINT64_C(1) << (index % 64);
}

static inline bool seen_has(const struct seen *set, uint32_t index)
{
	return set->bits[index / 64] >> (index % 64) & 1;
}

/* Both are sets of the same value. */
static inline void seen_merge(struct seen *into, const struct seen *from)
{
	for (uint32_t i = 0; i < (into->count + 63) / 64; i++)
		into->bits[i] |= from->bits[i];
}

/* Each of them; NULL as above. */
static inline void seen_all(struct seen *set)
{
	for (uint32_t i = 0; set && i < set->count; i++)
		seen_add(set, i);
}

/* ---- schema_run.c */

/* An empty set for the members or items of v; false without memory. */
bool schema_seen_init(struct run *r, struct seen *set, const struct json_node *v);

/* ---- schema_validate.c */

/* v satisfies s, and no bound was hit on the way; else r->failure says why not. */
bool schema_check(struct run *r, const struct schema_node *s, const struct json_node *v);

/* ---- schema_unique.c */

/* No two items of the array, which has at least two, are equal. */
bool schema_unique(struct run *r, const struct json_node *v);
