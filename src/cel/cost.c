/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many steps an expression can take, before it is run: every part once, every fold as often
 * as its range may be long. Lists of unknown length are taken to be as long as a message's can
 * be; the run counts its steps as well, so that a wrong guess costs nobody anything.
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

static uint64_t length_of(const struct cel_node *range, uint64_t items)
{
	if (range->op == CEL_OP_CONST)
		return range->value.count;
	if (range->op == CEL_OP_LIST)
		return range->count;
	if (range->op == CEL_OP_MAP)
		return range->count / 2;
	if (range->op == CEL_OP_FOLD)
		return length_of(range->children[FOLD_RANGE], items);
	return range->type->at_most ? range->type->at_most : items;
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

uint64_t cel_cost(const struct cel_node *n, uint64_t items)
{
	uint64_t cost = own_cost(n), body = 0;

	for (uint32_t i = 0; i < n->count; i++) {
		bool repeated = n->op == CEL_OP_FOLD && i > FOLD_VAR2;
		if (n->children[i] && repeated)
			body = plus(body, cel_cost(n->children[i], items));
		else if (n->children[i])
			cost = plus(cost, cel_cost(n->children[i], items));
	}
	if (n->op != CEL_OP_FOLD)
		return cost;
	return plus(cost, times(plus(body, 1), length_of(n->children[FOLD_RANGE], items)));
}
