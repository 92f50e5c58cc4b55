/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a schema may cost at one value: how many nodes are evaluated in its place at most, and
 * how many lie inside each other. A node that comes back to itself without moving on to a
 * member or item would never end; such a schema is refused.
 *
 * Recursion is bounded: a chain that gets too long is refused.
 */
#include "contract/schema_program.h"

enum { FRESH, OPEN, DONE };

/* What one node adds up. */
struct sum {
	uint64_t cost;
	uint32_t chain;
	const char *wrong;
};

static const char *visit(struct schema_node *s, uint32_t depth);

static void add(struct sum *sum, const struct schema_node *child, uint32_t depth)
{
	/* The program is still being made: its nodes are ours to write to. */
	union {
		const struct schema_node *in;
		struct schema_node *out;
	} node = {.in = child};

	if (!child || sum->wrong)
		return;
	sum->wrong = visit(node.out, depth + 1);
	if (sum->wrong)
		return;
	if (__builtin_add_overflow(sum->cost, child->cost, &sum->cost))
		sum->cost = UINT64_MAX;
	if (child->chain + 1 > sum->chain)
		sum->chain = child->chain + 1;
}

static void add_list(struct sum *sum, const struct schema_list *list, uint32_t depth)
{
	for (uint32_t i = 0; i < list->count; i++)
		add(sum, list->items[i], depth);
}

static void add_other(struct sum *sum, const struct schema_other *o, uint32_t depth)
{
	add(sum, o->ref, depth);
	/* Where a dynamic reference leads is known only later; the bounds at run time see to
	 * one that never ends. */
	if (o->dynamic.fallback && o->dynamic.fallback->visit != OPEN)
		add(sum, o->dynamic.fallback, depth);
	else if (o->dynamic.fallback && !o->dynamic.anchor)
		sum->wrong = "it refers to itself without end";
	add_list(sum, &o->all, depth);
	add_list(sum, &o->any, depth);
	add_list(sum, &o->one, depth);
	add(sum, o->none, depth);
	add(sum, o->condition, depth);
	add(sum, o->then, depth);
	add(sum, o->otherwise, depth);
}

static void add_dependents(struct sum *sum, const struct schema_object *o, uint32_t depth)
{
	for (uint32_t i = 0; o->has_dependents && i <= o->names.mask; i++)
		add(sum, o->names.slots[i].dependent, depth);
}

static const char *visit(struct schema_node *s, uint32_t depth)
{
	struct sum sum = {.cost = 1};

	if (s->visit == DONE)
		return NULL;
	if (s->visit == OPEN)
		return "it refers to itself without end";
	if (depth > SCHEMA_CHAIN_MAX)
		return "too many schemas inside each other apply to one value";
	s->visit = OPEN;
	if (s->other)
		add_other(&sum, s->other, depth);
	if (s->object)
		add_dependents(&sum, s->object, depth);
	s->cost = sum.cost;
	s->chain = sum.chain;
	s->visit = DONE;
	return sum.wrong;
}

const char *schema_cost_count(struct schema_node *root)
{
	return visit(root, 0);
}
