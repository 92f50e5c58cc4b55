/* SPDX-License-Identifier: Apache-2.0 */
/* See quick.h. */
#include "cel/quick.h"

#include "cel/node.h"

enum { CONSTANT, VARIABLE, MEMBER };

enum { TEXT_MAX = 1024 }; /* longer ones are compared where steps are counted */

/* --- making */

static bool add_variable(struct cel_quick *q, uint32_t slot, uint8_t *index)
{
	uint8_t i = 0;

	while (i < q->variable_count && q->variables[i] != slot)
		i++;
	*index = i;
	if (i < q->variable_count)
		return true;
	if (i == CEL_QUICK_VARIABLES)
		return false;
	q->variables[q->variable_count++] = slot;
	return true;
}

static bool make_side(struct cel_quick *q, const struct cel_node *n, struct cel_quick_side *side)
{
	const struct cel_node *of = n;

	while (of->op == CEL_OP_SELECT)
		of = of->children[0];
	side->node = n;
	if (n->flags & CEL_NODE_REAL)
		return false;
	if (n->op == CEL_OP_CONST) {
		side->kind = CONSTANT;
		return true;
	}
	side->kind = n == of ? VARIABLE : MEMBER;
	return of->op == CEL_OP_VARIABLE && add_variable(q, of->slot, &side->variable);
}

/* Where the look begins that goes on there if n is true, and there if it is not; NO when that
 * cannot be said. Recursion is bounded by the tree's height. */
static uint8_t make(struct cel_quick *q, const struct cel_node *n, uint8_t then, uint8_t otherwise)
{
	if (n->op == CEL_OP_AND || n->op == CEL_OP_OR) {
		uint8_t right = make(q, n->children[1], then, otherwise);
		if (right == CEL_QUICK_NO)
			return CEL_QUICK_NO;
		return n->op == CEL_OP_AND ? make(q, n->children[0], right, otherwise)
					   : make(q, n->children[0], then, right);
	}
	if (!cel_compares(n->op) || q->count == CEL_QUICK_COMPARISONS)
		return CEL_QUICK_NO;
	struct cel_quick_comparison *c = &q->all[q->count];
	c->op = n->op;
	c->then = then;
	c->otherwise = otherwise;
	for (int i = 0; i < 2; i++)
		if (!make_side(q, n->children[i], &c->sides[i]))
			return CEL_QUICK_NO;
	return q->count++;
}

bool cel_quick_make(struct cel_quick *q, const struct cel_node *root)
{
	*q = (struct cel_quick){0};
	q->first = make(q, root, CEL_QUICK_YES, CEL_QUICK_NO);
	return q->first != CEL_QUICK_NO;
}

/* --- members */

/* The member that n selects, `value` being its variable. */
static const struct json_node *find_member(const struct cel_node *n, const struct json_node *value)
{
	return n->op == CEL_OP_SELECT
		       ? json_member_named(find_member(n->children[0], value), &n->name)
		       : value;
}

bool cel_quick_find(const struct cel_quick *q, uint32_t slot, const struct json_node *value,
		    struct cel_quick_nodes *nodes)
{
	*nodes = (struct cel_quick_nodes){0};
	for (uint8_t i = 0; i < 2 * q->count; i++) {
		const struct cel_quick_side *side = &q->all[i / 2].sides[i % 2];
		if (side->kind != MEMBER || q->variables[side->variable] != slot)
			continue;
		const struct json_node *member = find_member(side->node, value);
		if (!member || member - value > UINT8_MAX)
			return false;
		nodes->of[i / 2][i % 2] = (uint8_t)(member - value);
	}
	return true;
}

/* --- looking */

/* What lies there, in parts: a value is written byte by byte, and to copy it as a whole right
 * behind that takes longer than all the rest. */
struct sight {
	enum { NOTHING = 0, TEXT, INTEGER } kind;
	struct slice text;
	int64_t integer;
};

#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE struct sight see_value(const struct cel_value *v)
{
	if (v->kind == CEL_STRING)
		return (struct sight){.kind = TEXT, .text = v->as.text};
	if (v->kind == CEL_INT)
		return (struct sight){.kind = INTEGER, .integer = v->as.integer};
	return (struct sight){0};
}

static ALWAYS_INLINE struct sight see_json(const struct json_node *v)
{
	if (json_type(v) == JSON_STRING)
		return (struct sight){.kind = TEXT, .text = slice_of(v->data, v->len)};
	if (json_is_integer(v))
		return (struct sight){.kind = INTEGER, .integer = v->as.integer};
	return (struct sight){0};
}

static ALWAYS_INLINE struct sight see(const struct cel_quick_side *side,
				      const struct cel_value *const *values,
				      const struct json_node *known)
{
	if (known)
		return see_json(known);
	if (side->kind == CONSTANT)
		return see_value(&side->node->value);
	const struct cel_value *v = values[side->variable];
	if (!v)
		return (struct sight){0};
	if (side->kind == VARIABLE)
		return see_value(v);
	bool json = v->kind == CEL_MAP && v->flags & CEL_FROM_JSON;
	return see_json(json ? find_member(side->node, v->as.json) : NULL);
}

enum answer { UNKNOWN = 0, NO, YES };

static enum answer answer(bool yes)
{
	return yes ? YES : NO;
}

static ALWAYS_INLINE enum answer compare(uint8_t op, struct sight a, struct sight b)
{
	bool equality = op == CEL_OP_EQUAL || op == CEL_OP_DIFFER;
	bool same;

	if (a.kind != b.kind || a.kind == NOTHING)
		return UNKNOWN;
	if (a.kind == INTEGER && !equality)
		return answer(cel_in_order(op, a.integer, b.integer));
	if (!equality || (a.kind == TEXT && (a.text.len > TEXT_MAX || b.text.len > TEXT_MAX)))
		return UNKNOWN;
	if (a.kind == INTEGER)
		same = a.integer == b.integer;
	else
		same = a.text.len == b.text.len && slice_same(a.text.data, b.text.data, a.text.len);
	return answer(same == (op == CEL_OP_EQUAL));
}

bool cel_quick_holds(const struct cel_quick *q,
		     const struct cel_value *const values[CEL_QUICK_VARIABLES],
		     const struct json_node *value, const struct cel_quick_nodes *nodes)
{
	static const uint8_t unknown[2] = {0, 0};
	uint8_t at = q->first;

	while (at < CEL_QUICK_COMPARISONS) {
		const struct cel_quick_comparison *c = &q->all[at];
		const uint8_t *known = nodes ? nodes->of[at] : unknown;
		struct sight a = see(&c->sides[0], values, known[0] ? value + known[0] : NULL);
		struct sight b = see(&c->sides[1], values, known[1] ? value + known[1] : NULL);
		enum answer says = compare(c->op, a, b);
		if (says == UNKNOWN)
			return false;
		at = says == YES ? c->then : c->otherwise;
	}
	return at == CEL_QUICK_YES;
}
