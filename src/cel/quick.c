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

/* A member of a JSON object. */
static ALWAYS_INLINE struct sight see_member(const struct cel_value *of,
					     const struct json_name *name)
{
	const struct json_node *v = NULL;

	if (of->kind == CEL_MAP && of->flags & CEL_FROM_JSON)
		v = json_member_named(of->as.json, name);
	if (json_type(v) == JSON_STRING)
		return (struct sight){.kind = TEXT, .text = slice_of(v->data, v->len)};
	if (json_is_integer(v))
		return (struct sight){.kind = INTEGER, .integer = v->as.integer};
	return (struct sight){0};
}

static ALWAYS_INLINE struct sight see(const struct quick *q, const struct cel_node *n)
{
	if (n->flags & CEL_NODE_REAL)
		return (struct sight){0};
	if (n->op == CEL_OP_CONST)
		return see_value(&n->value);
	if (n->op == CEL_OP_VARIABLE && n->slot < q->slot_count)
		return see_value(&q->slots[n->slot]);
	if (n->op != CEL_OP_SELECT)
		return (struct sight){0};
	const struct cel_node *of = n->children[0];
	if (of->op != CEL_OP_VARIABLE || of->slot >= q->slot_count)
		return (struct sight){0};
	return see_member(&q->slots[of->slot], &n->name);
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
	if (op == CEL_OP_EQUAL || op == CEL_OP_DIFFER)
		return answer((a == b) == (op == CEL_OP_EQUAL));
	return answer(cel_in_order(op, a, b));
}

static enum answer compare(const struct quick *q, const struct cel_node *n)
{
	struct sight a = see(q, n->children[0]), b = see(q, n->children[1]);

	if (a.kind != b.kind)
		return UNKNOWN;
	if (a.kind == TEXT)
		return compare_texts(n->op, a.text, b.text);
	return a.kind == INTEGER ? compare_integers(n->op, a.integer, b.integer) : UNKNOWN;
}

/* Recursion is bounded by the tree's height. */
static enum answer look(const struct quick *q, const struct cel_node *n)
{
	if (cel_compares(n->op))
		return compare(q, n);
	if (n->op != CEL_OP_AND && n->op != CEL_OP_OR)
		return UNKNOWN;
	/* The right side is asked as long as the left one does not decide. */
	enum answer left = look(q, n->children[0]);
	bool open = left == (n->op == CEL_OP_AND ? YES : NO);
	return open ? look(q, n->children[1]) : left;
}

bool cel_surely_true(const struct cel_program *p, const struct cel_value *slots,
		     uint32_t slot_count)
{
	const struct quick q = {slots, slot_count};

	return look(&q, p->root) == YES;
}
