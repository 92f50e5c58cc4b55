/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that are not calls: has(), the comprehensions over lists and maps with one or two
 * variables, and cel.bind(). Each becomes one node of its own, so that no accumulator is made
 * and what is bounded stays visible. Part of the parser.
 */
#include "cel/parse.h"

/* clang-format off */
static const struct macro {
	struct slice name;
	uint32_t arguments;       /* without the receiver */
	uint32_t variables;
	bool condition, result;   /* which of them stand behind the variables */
	enum cel_fold fold;
} macros[] = {
	{SLICE_INIT("all"),               2, 1, true,  false, CEL_FOLD_ALL},
	{SLICE_INIT("exists"),            2, 1, true,  false, CEL_FOLD_EXISTS},
	{SLICE_INIT("exists_one"),        2, 1, true,  false, CEL_FOLD_EXISTS_ONE},
	{SLICE_INIT("existsOne"),         2, 1, true,  false, CEL_FOLD_EXISTS_ONE},
	{SLICE_INIT("map"),               2, 1, false, true,  CEL_FOLD_LIST},
	{SLICE_INIT("map"),               3, 1, true,  true,  CEL_FOLD_LIST},
	{SLICE_INIT("filter"),            2, 1, true,  false, CEL_FOLD_LIST},
	{SLICE_INIT("all"),               3, 2, true,  false, CEL_FOLD_ALL},
	{SLICE_INIT("exists"),            3, 2, true,  false, CEL_FOLD_EXISTS},
	{SLICE_INIT("exists_one"),        3, 2, true,  false, CEL_FOLD_EXISTS_ONE},
	{SLICE_INIT("existsOne"),         3, 2, true,  false, CEL_FOLD_EXISTS_ONE},
	{SLICE_INIT("transformList"),     3, 2, false, true,  CEL_FOLD_LIST},
	{SLICE_INIT("transformList"),     4, 2, true,  true,  CEL_FOLD_LIST},
	{SLICE_INIT("transformMap"),      3, 2, false, true,  CEL_FOLD_MAP},
	{SLICE_INIT("transformMap"),      4, 2, true,  true,  CEL_FOLD_MAP},
	{SLICE_INIT("transformMapEntry"), 3, 2, false, true,  CEL_FOLD_MAP_ENTRY},
	{SLICE_INIT("transformMapEntry"), 4, 2, true,  true,  CEL_FOLD_MAP_ENTRY},
};
/* clang-format on */

static bool is_variable(const struct cel_node *n)
{
	return n->op == CEL_OP_IDENT && !(n->flags & (CEL_NODE_GLOBAL | CEL_NODE_PAREN));
}

static struct cel_node *expand_has(struct cel_parser *p, struct cel_node *call)
{
	struct cel_node *field = call->children[0];

	if (field->op != CEL_OP_SELECT)
		return cel_parse_fail(p, call->at, "has() wants a member: has(a.b)");
	field->op = CEL_OP_HAS;
	return field;
}

static struct cel_node *expand_bind(struct cel_parser *p, struct cel_node *call)
{
	if (!is_variable(call->children[1]))
		return cel_parse_fail(p, call->children[1]->at,
				      "cel.bind() wants a plain name first");
	call->op = CEL_OP_BIND;
	call->children++;
	call->count--;
	return call;
}

static struct cel_node *expand_fold(struct cel_parser *p, const struct macro *m,
				    struct cel_node *call)
{
	struct cel_node *n = cel_node_new(p, CEL_OP_FOLD, call->at, FOLD_CHILDREN);
	uint32_t next = 1;

	if (!n)
		return NULL;
	n->name = call->name;
	n->fold = (uint8_t)m->fold;
	n->children[FOLD_RANGE] = call->children[0];
	for (uint32_t i = 0; i < m->variables; i++) {
		struct cel_node *variable = call->children[next++];
		if (!is_variable(variable))
			return cel_parse_fail(p, variable->at, "this has to be a plain name");
		n->children[FOLD_VAR1 + i] = variable;
	}
	if (m->variables == 2 &&
	    slice_eq(n->children[FOLD_VAR1]->name.text, n->children[FOLD_VAR2]->name.text))
		return cel_parse_fail(p, n->children[FOLD_VAR2]->at,
				      "the two variables have the same name");
	if (m->condition)
		n->children[FOLD_CONDITION] = call->children[next++];
	if (m->result)
		n->children[FOLD_RESULT] = call->children[next++];
	return cel_node_done(p, n);
}

struct cel_node *cel_expand(struct cel_parser *p, struct cel_node *call)
{
	if (p->no_macros)
		return call;
	if (!(call->flags & CEL_NODE_RECEIVER)) {
		bool has = slice_eq(call->name.text, SLICE("has")) && call->count == 1;
		return has ? expand_has(p, call) : call;
	}
	const struct cel_node *receiver = call->children[0];
	if (slice_eq(call->name.text, SLICE("bind")) && call->count == 4 &&
	    receiver->op == CEL_OP_IDENT && slice_eq(receiver->name.text, SLICE("cel")))
		return expand_bind(p, call);
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++)
		if (macros[i].arguments + 1 == call->count &&
		    slice_eq(macros[i].name, call->name.text))
			return expand_fold(p, &macros[i], call);
	return call;
}
