/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many steps an expression can take, before it is run: every part once, every fold as often
 * as its range may be long. Lists of unknown length are taken to be as long as a message's can
 * be; the run counts its steps as well, so that a wrong guess costs nobody anything.
 *
 * A loop over what the items of another loop contain does not multiply: in
 * `m.orders.all(o, o.lines.all(l, ...))` all lines together are no more than the message has.
 */
#include "cel/function.h"

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static bool is_variable_of(const struct cel_node *fold, const struct cel_node *local)
{
	uint32_t variables = fold->children[FOLD_VAR2] ? 2 : 1;

	return local->slot >= fold->slot && local->slot < fold->slot + variables;
}

/* The variable at the root of a.b[c].d, or NULL when it is something else. */
static const struct cel_node *root_of(const struct cel_node *n)
{
	while (n->op == CEL_OP_SELECT ||
	       (n->op == CEL_OP_CALL && slice_eq(n->name.text, SLICE("_[_]"))))
		n = n->children[0];
	return n->op == CEL_OP_VARIABLE || n->op == CEL_OP_LOCAL ? n : NULL;
}

/* Part of an item of the very loop around it, which goes over part of a variable: no two rounds
 * of that see the same. */
static bool contained(const struct cel_node *range, const struct cel_node *around)
{
	const struct cel_node *root = root_of(range);

	return around && root && root->op == CEL_OP_LOCAL && is_variable_of(around, root) &&
	       root_of(around->children[FOLD_RANGE]);
}

static uint64_t length_of(const struct cel_node *range, const struct cel_node *around,
			  uint64_t items)
{
	uint64_t most = range->type->at_most ? range->type->at_most : items;

	if (range->op == CEL_OP_CONST)
		return range->value.count;
	if (range->op == CEL_OP_FOLD)
		return length_of(range->children[FOLD_RANGE], around, items);
	return contained(range, around) ? 1 : most;
}

static uint64_t own_cost(const struct cel_node *n)
{
	uint64_t most = 1;

	if (n->op != CEL_OP_CALL)
		return 1;
	for (uint32_t i = 0; i < n->function_count; i++)
		if (n->functions[i].count == n->count && n->functions[i].cost > most)
			most = n->functions[i].cost;
	return most;
}

static uint64_t cost_of(const struct cel_node *n, const struct cel_node *around, uint64_t items)
{
	uint64_t cost = own_cost(n), body = 1;

	for (uint32_t i = 0; i < n->count; i++) {
		bool repeated = n->op == CEL_OP_FOLD && i > FOLD_VAR2;
		if (n->children[i] && repeated)
			body = plus(body, cost_of(n->children[i], n, items));
		else if (n->children[i])
			cost = plus(cost, cost_of(n->children[i], around, items));
	}
	if (n->op != CEL_OP_FOLD)
		return cost;
	return plus(cost, times(body, length_of(n->children[FOLD_RANGE], around, items)));
}

uint64_t cel_cost(const struct cel_node *n, uint64_t items)
{
	return cost_of(n, NULL, items);
}
