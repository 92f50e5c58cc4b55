/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The tree between text and value. The parser makes it, the check fills in what is known of
 * each node, the evaluation reads it. For the cel layer only.
 *
 *   op            children
 *   CONST         -                              value
 *   IDENT         -                              name; slot once checked (VARIABLE or LOCAL)
 *   SELECT        operand                        name; HAS is `has(operand.name)`
 *   CALL          arguments, a receiver first    name; CEL_NODE_RECEIVER
 *   EQUAL DIFFER  both sides                     a CALL of == or != once checked
 *   BELOW ...     both sides                     a CALL of <, <=, > or >= once checked
 *   LIST          items
 *   MAP           key, value, key, value, ...
 *   COND AND OR   operands
 *   FOLD          range, variable, variable or NULL, condition or NULL, result or NULL
 *   BIND          variable, its value, body
 *   FAIL          -                              sentence: what an unchecked program runs into
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "cel/cel.h"
#include "json/value.h"

enum cel_op {
	CEL_OP_FAIL = 0,
	CEL_OP_CONST,
	CEL_OP_IDENT,
	CEL_OP_VARIABLE, /* IDENT, SELECT that names slots[slot] */
	CEL_OP_LOCAL,    /* IDENT that names locals[slot] */
	CEL_OP_SELECT,
	CEL_OP_HAS,
	CEL_OP_CALL,
	CEL_OP_EQUAL,
	CEL_OP_DIFFER,
	CEL_OP_BELOW,
	CEL_OP_AT_MOST,
	CEL_OP_ABOVE,
	CEL_OP_AT_LEAST,
	CEL_OP_LIST,
	CEL_OP_MAP,
	CEL_OP_COND,
	CEL_OP_AND,
	CEL_OP_OR,
	CEL_OP_FOLD,
	CEL_OP_BIND,
};

/* What a FOLD makes of its range. */
enum cel_fold {
	CEL_FOLD_ALL,
	CEL_FOLD_EXISTS,
	CEL_FOLD_EXISTS_ONE,
	CEL_FOLD_LIST,      /* of results, of the items for which the condition holds */
	CEL_FOLD_MAP,       /* of key: result */
	CEL_FOLD_MAP_ENTRY, /* of the entries of the maps that the results are */
};

enum { FOLD_RANGE, FOLD_VAR1, FOLD_VAR2, FOLD_CONDITION, FOLD_RESULT, FOLD_CHILDREN };

enum {
	CEL_NODE_RECEIVER = 1, /* CALL: the first argument stood before the dot */
	CEL_NODE_GLOBAL = 2,   /* IDENT with a dot before it: no local variable */
	CEL_NODE_PAREN = 4,    /* stood in parentheses */
	CEL_NODE_REAL = 8,     /* declared as a double: an int from JSON is made one */
};

/* Of the ops that compare, from EQUAL to AT_LEAST. */
static inline bool cel_compares(uint8_t op)
{
	return op >= CEL_OP_EQUAL && op <= CEL_OP_AT_LEAST;
}

/* For BELOW and those behind it. */
static inline bool cel_in_order(uint8_t op, int64_t a, int64_t b)
{
	if (op == CEL_OP_BELOW)
		return a < b;
	if (op == CEL_OP_AT_MOST)
		return a <= b;
	return op == CEL_OP_ABOVE ? a > b : a >= b;
}

struct cel_function;
struct cel_regex;

struct cel_node {
	uint8_t op; /* enum cel_op */
	uint8_t flags;
	uint8_t fold;
	uint16_t height; /* of the tree below; bounded by the limits */
	uint32_t at;     /* byte offset in the text */
	uint32_t count;  /* children */
	uint32_t slot;
	struct cel_node **children;
	struct json_name name;
	const struct cel_type *type;
	struct cel_value value;
	const struct cel_function *functions; /* overloads of a CALL */
	uint32_t function_count;
	const struct cel_regex *regex; /* of matches() with a constant pattern */
	const char *sentence;
};

struct cel_program {
	const struct cel_node *root;
	uint32_t locals;         /* how many can be alive at once */
	uint32_t variable_count; /* of the environment */
	uint64_t cost;
	uint64_t steps; /* of one evaluation at most */
	const bool *uses;
	const struct cel_quick *quick; /* or NULL */
	cel_zone_fn zone;
	void *zone_context;
};

/* The tree of a text. Returns NULL with *error filled in. */
struct cel_node *cel_parse(struct slice text, const struct cel_limits *limits, bool no_macros,
			   struct arena *a, struct cel_error *error);

/* What the check needs to know and leaves behind. */
struct cel_check {
	const struct cel_env *env;
	struct arena *arena;
	struct cel_error *error;
	struct cel_program *program;
	bool *uses;
	const struct cel_scope *scope; /* local variables, innermost first */
	uint32_t locals;
	bool failed;
};

/* Resolves names and overloads, finds types, evaluates what is constant. False with
 * *c->error filled in. */
bool cel_check_node(struct cel_check *c, struct cel_node *n);

/* Most steps of a node, with `items` in a list of unknown length. */
uint64_t cel_cost(const struct cel_node *n, uint64_t items);

/* The nearest of the names to a misspelt one, or an empty slice; see suggest.c. */
struct cel_suggestion {
	struct slice wanted, best;
	unsigned distance;
};
void cel_suggest(struct cel_suggestion *s, struct slice candidate);
