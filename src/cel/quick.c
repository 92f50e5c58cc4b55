/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What most rules say of most messages, seen at a quick look: texts and whole numbers compared
 * where they lie, joined by && and ||. To whoever asks it only ever says yes.
 */
#include "cel/node.h"

struct quick {
	const struct cel_value *slots;
	uint32_t slot_count;
};

/* A member of a JSON object, if it is a text or an integer. */
static bool see_member(const struct cel_value *of, const struct json_name *name,
		       struct cel_value *out)
{
	if (of->kind != CEL_MAP || !(of->flags & CEL_FROM_JSON))
		return false;
	const struct json_node *v = json_member_named(of->as.json, name);
	if (json_type(v) == JSON_STRING)
		*out = cel_string(slice_of(v->data, v->len));
	else if (json_is_integer(v))
		*out = cel_int(v->as.integer);
	else
		return false;
	return true;
}

static bool see(const struct quick *q, const struct cel_node *n, struct cel_value *out)
{
	if (n->flags & CEL_NODE_REAL)
		return false;
	if (n->op == CEL_OP_CONST)
		*out = n->value;
	else if (n->op == CEL_OP_VARIABLE && n->slot < q->slot_count)
		*out = q->slots[n->slot];
	else if (n->op == CEL_OP_SELECT && n->children[0]->op == CEL_OP_VARIABLE &&
		 n->children[0]->slot < q->slot_count)
		return see_member(&q->slots[n->children[0]->slot], &n->name, out);
	else
		return false;
	return true;
}

enum { TEXT_MAX = 1024 }; /* longer ones are compared where steps are counted */

enum answer { UNKNOWN = 0, NO, YES };

static enum answer answer(bool yes)
{
	return yes ? YES : NO;
}

static enum answer compare_texts(uint8_t op, struct slice a, struct slice b)
{
	if ((op != CEL_OP_EQUAL && op != CEL_OP_DIFFER) || a.len > TEXT_MAX || b.len > TEXT_MAX)
		return UNKNOWN;
	return answer(slice_eq(a, b) == (op == CEL_OP_EQUAL));
}

static enum answer compare_integers(uint8_t op, int64_t a, int64_t b)
{
	switch (op) {
	case CEL_OP_EQUAL:
		return answer(a == b);
	case CEL_OP_DIFFER:
		return answer(a != b);
	case CEL_OP_BELOW:
		return answer(a < b);
	case CEL_OP_AT_MOST:
		return answer(a <= b);
	case CEL_OP_ABOVE:
		return answer(a > b);
	case CEL_OP_AT_LEAST:
		return answer(a >= b);
	default:
		return UNKNOWN;
	}
}

static enum answer compare(const struct quick *q, const struct cel_node *n)
{
	struct cel_value a, b;

	if (!see(q, n->children[0], &a) || !see(q, n->children[1], &b))
		return UNKNOWN;
	if (a.kind == CEL_STRING && b.kind == CEL_STRING)
		return compare_texts(n->op, a.as.text, b.as.text);
	if (a.kind == CEL_INT && b.kind == CEL_INT)
		return compare_integers(n->op, a.as.integer, b.as.integer);
	return UNKNOWN;
}

/* Recursion is bounded by the tree's height. */
static enum answer look(const struct quick *q, const struct cel_node *n)
{
	enum answer left;

	switch (n->op) {
	case CEL_OP_AND:
		left = look(q, n->children[0]);
		return left == YES ? look(q, n->children[1]) : left;
	case CEL_OP_OR:
		left = look(q, n->children[0]);
		return left == NO ? look(q, n->children[1]) : left;
	case CEL_OP_EQUAL:
	case CEL_OP_DIFFER:
	case CEL_OP_BELOW:
	case CEL_OP_AT_MOST:
	case CEL_OP_ABOVE:
	case CEL_OP_AT_LEAST:
		return compare(q, n);
	default:
		return UNKNOWN;
	}
}

bool cel_surely_true(const struct cel_program *p, const struct cel_value *slots,
		     uint32_t slot_count)
{
	const struct quick q = {slots, slot_count};

	return look(&q, p->root) == YES;
}
