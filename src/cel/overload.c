/* SPDX-License-Identifier: Apache-2.0 */
/* Which function a call means: by its name, or `namespace.name`, and by the types of its
 * arguments. Part of the check. */
#include "cel/check.h"

/* What the parameters A and B of a signature stand for; NULL not known yet. */
struct bindings {
	const struct cel_type *of[2];
};

static bool bind(struct bindings *b, const struct cel_type *param, const struct cel_type *arg)
{
	const struct cel_type **bound = &b->of[param == &cel_b];

	if (param == &cel_number)
		return arg->form == CEL_T_DYN || arg->form == CEL_T_PARAMETER ||
		       (arg->form == CEL_T_VALUE &&
			(arg->kind == CEL_INT || arg->kind == CEL_UINT || arg->kind == CEL_DOUBLE));
	if (!*bound) {
		*bound = arg;
		return true;
	}
	/* 1 == 1.0: numbers of any kind are equal or not. */
	if (!cel_type_comparable(*bound, arg))
		return false;
	*bound = cel_type_join(*bound, arg);
	return true;
}

static bool unify(struct bindings *b, const struct cel_type *param, const struct cel_type *arg)
{
	if (param->form == CEL_T_PARAMETER)
		return bind(b, param, arg);
	if (arg->form == CEL_T_DYN)
		return true;
	if (param->form == CEL_T_LIST && arg->form == CEL_T_LIST)
		return unify(b, param->of[0], arg->of[0]);
	if (param->form == CEL_T_MAP && arg->form == CEL_T_MAP)
		return unify(b, param->of[0], arg->of[0]) && unify(b, param->of[1], arg->of[1]);
	if (param->form == CEL_T_MAP && arg->form == CEL_T_OBJECT)
		return unify(b, param->of[0], &cel_types[CEL_STRING]) &&
		       unify(b, param->of[1], &cel_dyn);
	return cel_type_agrees(param, arg);
}

static const struct cel_type *bound_type(struct cel_check *c, const struct bindings *b,
					 const struct cel_type *t)
{
	if (t->form == CEL_T_LIST && t->of[0]->form == CEL_T_PARAMETER)
		return cel_check_list_of(c, bound_type(c, b, t->of[0]), 0);
	if (t->form != CEL_T_PARAMETER)
		return t;
	const struct cel_type *bound = t == &cel_number ? NULL : b->of[t == &cel_b];
	return bound ? bound : &cel_dyn;
}

/* Finds out what the overloads that fit give; false when none does. */
static bool find_type(struct cel_check *c, struct cel_node *n)
{
	bool found = false;

	for (uint32_t i = 0; i < n->function_count; i++) {
		const struct cel_function *f = &n->functions[i];
		struct bindings b = {{NULL, NULL}};
		uint32_t fits = 0;
		if (f->count != n->count)
			continue;
		while (fits < f->count && unify(&b, f->args[fits], n->children[fits]->type))
			fits++;
		if (fits < f->count)
			continue;
		const struct cel_type *t = bound_type(c, &b, f->result);
		n->type = found ? cel_type_join(n->type, t) : t;
		found = true;
	}
	return found;
}

/* ---- what to say */

static struct slice shown_name(struct slice name)
{
	static const struct {
		struct slice name, shown;
	} operators[] = {
		{SLICE_INIT("_[_]"), SLICE_INIT("[]")},
		{SLICE_INIT("@in"), SLICE_INIT("in")},
	};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (slice_eq(operators[i].name, name))
			return operators[i].shown;
	size_t from = 0;
	while (from < name.len && name.data[from] == '_')
		from++;
	size_t to = name.len;
	while (to > from && name.data[to - 1] == '_')
		to--;
	return to > from && !slice_eq(name, SLICE("_")) ? slice_of(name.data + from, to - from)
							: name;
}

static bool no_overload(struct cel_check *c, struct cel_node *n)
{
	struct slice types = SLICE("");

	for (uint32_t i = 0; i < n->count; i++) {
		struct slice text = cel_type_text(n->children[i]->type, c->arena);
		types = arena_printf(c->arena, "%.*s%s%.*s", SLICE_ARG(types), i ? ", " : "",
				     SLICE_ARG(text));
	}
	struct slice name = shown_name(n->name.text);
	struct slice sentence = arena_printf(c->arena, "'%.*s' does not take (%.*s)",
					     SLICE_ARG(name), SLICE_ARG(types));
	return cel_check_complain(c, n, "no such overload", sentence, SLICE(""));
}

/* math.sqr(x): what comes near it among the functions of that namespace, if it is one. */
static bool misspelt_in_namespace(struct cel_check *c, struct cel_node *n)
{
	struct slice space;

	if (!(n->flags & CEL_NODE_RECEIVER) || !cel_check_is_namespace(c, n->children[0], &space))
		return false;
	struct slice name =
		arena_printf(c->arena, "%.*s.%.*s", SLICE_ARG(space), SLICE_ARG(n->name.text));
	struct cel_suggestion s = {.wanted = name};
	cel_functions_suggest(&s, false);
	if (!name.data || !slice_starts_with(s.best, slice_first(name, space.len + 1)))
		return false;
	n->name.text = name;
	return true;
}

static bool unknown_function(struct cel_check *c, struct cel_node *n)
{
	bool receiver = !misspelt_in_namespace(c, n) && n->flags & CEL_NODE_RECEIVER;
	struct cel_suggestion s = {.wanted = n->name.text};
	struct slice sentence =
		arena_printf(c->arena, "there is no function '%.*s'", SLICE_ARG(n->name.text));

	cel_functions_suggest(&s, receiver);
	if (!s.best.data)
		cel_functions_suggest(&s, !receiver);
	return cel_check_complain(c, n, "there is no such function", sentence, s.best);
}

/* ---- forms of calls */

/* math.abs(x): a function of that whole name takes x alone. */
static void resolve_namespace(struct cel_check *c, struct cel_node *n)
{
	struct slice space;

	if (!(n->flags & CEL_NODE_RECEIVER) || !cel_check_is_namespace(c, n->children[0], &space))
		return;
	struct slice name =
		arena_printf(c->arena, "%.*s.%.*s", SLICE_ARG(space), SLICE_ARG(n->name.text));
	if (!name.data || cel_functions_named(name, false).count == 0)
		return;
	n->name.text = name;
	n->flags = (uint8_t)(n->flags & ~CEL_NODE_RECEIVER);
	n->children++;
	n->count--;
}

/* math.greatest(a, b, c) becomes math.greatest([a, b, c]); its type is that of the items. */
static bool gather_arguments(struct cel_check *c, struct cel_node *n)
{
	bool variadic = slice_eq(n->name.text, SLICE("math.greatest")) ||
			slice_eq(n->name.text, SLICE("math.least"));

	if (!variadic || n->flags & CEL_NODE_RECEIVER || n->count == 0 ||
	    (n->count == 1 &&
	     (n->children[0]->op == CEL_OP_LIST || n->children[0]->type->form == CEL_T_LIST)))
		return true;
	struct cel_node *list = arena_calloc(c->arena, 1, sizeof(*list));
	struct cel_node **one = arena_calloc(c->arena, 1, sizeof(*one));
	if (!list || !one)
		return false;
	*list = (struct cel_node){.op = CEL_OP_LIST,
				  .height = n->height,
				  .at = n->at,
				  .count = n->count,
				  .children = n->children,
				  .type = &cel_dyn};
	*one = list;
	n->children = one;
	n->count = 1;
	return cel_check_node(c, list);
}

static bool numbers_only(struct cel_check *c, struct cel_node *n)
{
	bool variadic = slice_eq(n->name.text, SLICE("math.greatest")) ||
			slice_eq(n->name.text, SLICE("math.least"));
	const struct cel_type *t = n->type;

	if (!variadic || c->env->unchecked || t->form == CEL_T_DYN || t->kind == CEL_INT ||
	    t->kind == CEL_UINT || t->kind == CEL_DOUBLE)
		return true;
	return no_overload(c, n);
}

/* message['user'] is message.user where what a message has is declared. */
static bool index_is_member(struct cel_node *n)
{
	if (!slice_eq(n->name.text, SLICE("_[_]")) || n->count != 2 ||
	    n->children[0]->type->form != CEL_T_OBJECT || n->children[1]->op != CEL_OP_CONST ||
	    n->children[1]->value.kind != CEL_STRING)
		return false;
	n->op = CEL_OP_SELECT;
	n->count = 1;
	n->name = json_name(n->children[1]->value.as.text);
	return true;
}

static bool check_arguments(struct cel_check *c, struct cel_node *n)
{
	for (uint32_t i = 0; i < n->count; i++)
		if (!cel_check_node(c, n->children[i]))
			return false;
	return gather_arguments(c, n);
}

bool cel_check_call(struct cel_check *c, struct cel_node *n)
{
	resolve_namespace(c, n);
	struct cel_functions found =
		cel_functions_named(n->name.text, n->flags & CEL_NODE_RECEIVER);
	if (found.count == 0)
		return unknown_function(c, n);
	if (!check_arguments(c, n))
		return false;
	if (index_is_member(n))
		return cel_check_node(c, n);
	n->functions = found.rows;
	n->function_count = found.count;
	n->type = &cel_dyn;
	if (n->count > CEL_ARGS_MAX)
		return no_overload(c, n);
	if (!find_type(c, n) && !c->env->unchecked)
		return no_overload(c, n);
	return numbers_only(c, n);
}
