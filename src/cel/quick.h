/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What most rules say of most messages, seen at a quick look: texts and whole numbers compared
 * where they lie, joined by && and ||. It only ever says yes.
 *
 *   message.user == identity.sub && message.n < 9
 *
 *   all[0]: [member user of variables[0]] == [variables[1]]   then -> 1   otherwise -> NO
 *   all[1]: [member n of variables[0]]    <  [constant 9]     then -> YES otherwise -> NO
 *
 * In messages of one shape a member is always the same node of the tape: who knows the shape need
 * not look for it.
 */
#include "cel/cel.h"

enum {
	CEL_QUICK_COMPARISONS = 8,
	CEL_QUICK_VARIABLES = 4,
	CEL_QUICK_YES = CEL_QUICK_COMPARISONS, /* beside the index of a comparison */
	CEL_QUICK_NO,
};

struct cel_node;

struct cel_quick_side {
	uint8_t kind;     /* constant, variable, member */
	uint8_t variable; /* in cel_quick.variables */
	const struct cel_node *node;
};

struct cel_quick_comparison {
	uint8_t op;              /* enum cel_op */
	uint8_t then, otherwise; /* where it goes on, or YES, or NO */
	struct cel_quick_side sides[2];
};

struct cel_quick {
	uint8_t first; /* comparison */
	uint8_t count, variable_count;
	uint32_t variables[CEL_QUICK_VARIABLES]; /* slots */
	struct cel_quick_comparison all[CEL_QUICK_COMPARISONS];
};

/* Where members lie in messages of one shape: for each side its node, or 0. */
struct cel_quick_nodes {
	uint8_t of[CEL_QUICK_COMPARISONS][2];
};

/* Of a program with that root. False: it says something else, too. */
bool cel_quick_make(struct cel_quick *q, const struct cel_node *root);

/* Where the members of that variable lie. False: one of them is missing, or is not among the first
 * 255 nodes. */
bool cel_quick_find(const struct cel_quick *q, uint32_t slot, const struct json_node *value,
		    struct cel_quick_nodes *nodes);

/*
 * values[i] is that of q->variables[i], NULL if it has none. True: cel_allows would say so, too.
 * False: it has to be asked. nodes: of a value of that shape, which is the one that is looked at
 * for the variable's members; or NULL, both.
 */
bool cel_quick_holds(const struct cel_quick *q,
		     const struct cel_value *const values[CEL_QUICK_VARIABLES],
		     const struct json_node *value, const struct cel_quick_nodes *nodes)
	__attribute__((warn_unused_result));
