/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names -> slots, calls -> overloads, and the type of every part. What is constant is evaluated
 * here, once. In an unchecked program what is wrong becomes a part that fails when it is run.
 */
#include "cel/check.h"

#include "cel/regex.h"

enum {
	FOLDING_STEPS = 20000, /* that evaluating a constant may take */
	QUALIFIED_PARTS = 16,  /* of a variable's or function's name */
};

/* ---- saying what is wrong */

/* Returns false with the error noted; for an unchecked program makes n fail and returns true. */
bool cel_check_fail(struct cel_check *c, struct cel_node *n, const char *sentence)
{
	return cel_check_complain(c, n, sentence, slice_from_cstr(sentence), SLICE(""));
}

bool cel_check_complain(struct cel_check *c, struct cel_node *n, const char *at_run,
			struct slice sentence, struct slice suggestion)
{
	if (c->env->unchecked) {
		n->op = CEL_OP_FAIL;
		n->count = 0;
		n->type = &cel_dyn;
		n->sentence = at_run;
		return true;
	}
	if (!sentence.data)
		sentence = SLICE("there is no memory for the check");
	*c->error = (struct cel_error){CEL_PHASE_CHECK, n->at, sentence, suggestion};
	return false;
}

static bool unknown_name(struct cel_check *c, struct cel_node *n)
{
	struct cel_suggestion s = {.wanted = n->name.text};
	struct slice sentence =
		arena_printf(c->arena, "there is no variable '%.*s'", SLICE_ARG(n->name.text));

	for (uint32_t i = 0; i < c->env->variable_count; i++)
		cel_suggest(&s, c->env->variables[i].name);
	for (const struct cel_scope *l = c->scope; l; l = l->outer)
		cel_suggest(&s, l->name);
	return cel_check_complain(c, n, "there is no such variable", sentence, s.best);
}

/* ---- names */

static const struct cel_scope *local_named(const struct cel_check *c, struct slice name)
{
	for (const struct cel_scope *l = c->scope; l; l = l->outer)
		if (slice_eq(l->name, name))
			return l;
	return NULL;
}

/* a.b.c as a text when all of it is names, the first no local variable; empty otherwise. */
static struct slice qualified_name(struct cel_check *c, const struct cel_node *n)
{
	if (n->op == CEL_OP_IDENT) {
		bool local = !(n->flags & CEL_NODE_GLOBAL) && local_named(c, n->name.text);
		return local ? SLICE("") : n->name.text;
	}
	if (n->op != CEL_OP_SELECT || n->height > QUALIFIED_PARTS)
		return SLICE("");
	struct slice front = qualified_name(c, n->children[0]);
	if (front.len == 0)
		return front;
	struct slice name =
		arena_printf(c->arena, "%.*s.%.*s", SLICE_ARG(front), SLICE_ARG(n->name.text));
	return name.data ? name : SLICE("");
}

bool cel_check_is_namespace(struct cel_check *c, const struct cel_node *n, struct slice *name)
{
	*name = qualified_name(c, n);
	return name->len > 0;
}

/* Makes n the variable of that name; false if there is none. */
static bool resolve_variable(struct cel_check *c, struct cel_node *n, struct slice name)
{
	for (uint32_t i = 0; i < c->env->variable_count; i++) {
		const struct cel_variable *v = &c->env->variables[i];
		if (!slice_eq(v->name, name))
			continue;
		n->op = CEL_OP_VARIABLE;
		n->slot = i;
		n->count = 0;
		n->type = v->type ? v->type : &cel_dyn;
		c->uses[i] = true;
		return true;
	}
	return false;
}

/* `int`, `google.protobuf.Timestamp`: types are values. */
static bool resolve_type(struct cel_node *n, struct slice name)
{
	for (int kind = CEL_NULL; kind < CEL_KINDS; kind++) {
		if (!slice_eq(name, cel_kind_name((enum cel_kind)kind)))
			continue;
		n->op = CEL_OP_CONST;
		n->count = 0;
		n->type = &cel_types[CEL_TYPE];
		n->value = cel_type_value((enum cel_kind)kind);
		return true;
	}
	return false;
}

static bool check_name(struct cel_check *c, struct cel_node *n)
{
	const struct cel_scope *local =
		n->flags & CEL_NODE_GLOBAL ? NULL : local_named(c, n->name.text);

	if (local) {
		n->op = CEL_OP_LOCAL;
		n->slot = local->slot;
		n->type = local->type;
		return true;
	}
	return resolve_variable(c, n, n->name.text) || resolve_type(n, n->name.text) ||
	       unknown_name(c, n);
}

/* ---- members */

static bool unknown_member(struct cel_check *c, struct cel_node *n, const struct cel_object *object,
			   struct slice nearest)
{
	struct slice sentence = arena_printf(c->arena, "%.*s has no member '%.*s'",
					     SLICE_ARG(object->name), SLICE_ARG(n->name.text));

	return cel_check_complain(c, n, "there is no such member", sentence, nearest);
}

static bool member_of_object(struct cel_check *c, struct cel_node *n,
			     const struct cel_object *object)
{
	struct cel_member m = {.type = &cel_dyn};

	switch (object->member(object, n->name.text, &m)) {
	case CEL_MEMBER_KNOWN:
		n->type = m.type ? m.type : &cel_dyn;
		return true;
	case CEL_MEMBER_OPEN:
		n->type = &cel_dyn;
		return true;
	case CEL_MEMBER_REFUSED:
		break;
	}
	return unknown_member(c, n, object, m.nearest);
}

static bool member_type(struct cel_check *c, struct cel_node *n)
{
	const struct cel_type *of = n->children[0]->type;

	if (of->form == CEL_T_OBJECT)
		return member_of_object(c, n, of->object);
	if (of->form == CEL_T_MAP) {
		n->type = of->of[1];
		return true;
	}
	n->type = &cel_dyn;
	if (of->form == CEL_T_DYN)
		return true;
	struct slice text = cel_type_text(of, c->arena);
	struct slice sentence =
		arena_printf(c->arena, "a value of type %.*s has no members", SLICE_ARG(text));
	return cel_check_complain(c, n, "this value has no members", sentence, SLICE(""));
}

static bool check_member(struct cel_check *c, struct cel_node *n)
{
	struct slice name = n->op == CEL_OP_SELECT ? qualified_name(c, n) : SLICE("");

	if (name.len && (resolve_variable(c, n, name) || resolve_type(n, name)))
		return true;
	if (!cel_check_node(c, n->children[0]) || !member_type(c, n))
		return false;
	if (n->op == CEL_OP_HAS)
		n->type = &cel_types[CEL_BOOL];
	return true;
}

/* ---- parts with parts */

static bool check_children(struct cel_check *c, struct cel_node *n)
{
	for (uint32_t i = 0; i < n->count; i++)
		if (!cel_check_node(c, n->children[i]))
			return false;
	return true;
}

static const struct cel_type *new_type(struct cel_check *c, struct cel_type t)
{
	struct cel_type *kept = arena_alloc(c->arena, sizeof(*kept));

	if (!kept)
		return &cel_dyn;
	*kept = t;
	return kept;
}

const struct cel_type *cel_check_list_of(struct cel_check *c, const struct cel_type *of,
					 uint32_t at_most)
{
	return new_type(
		c, (struct cel_type){.form = CEL_T_LIST, .at_most = at_most, .of = {of, &cel_dyn}});
}

/* The type that all children from `first` on, every `step`-th, have in common. */
static const struct cel_type *common_type(const struct cel_node *n, uint32_t first, uint32_t step)
{
	const struct cel_type *t = n->count > first ? n->children[first]->type : &cel_dyn;

	for (uint32_t i = first + step; i < n->count; i += step)
		t = cel_type_join(t, n->children[i]->type);
	return t;
}

static bool check_list(struct cel_check *c, struct cel_node *n)
{
	if (!check_children(c, n))
		return false;
	n->type = cel_check_list_of(c, common_type(n, 0, 1), n->count);
	return true;
}

static bool check_map(struct cel_check *c, struct cel_node *n)
{
	if (!check_children(c, n))
		return false;
	for (uint32_t i = 0; i < n->count; i += 2) {
		const struct cel_type *key = n->children[i]->type;
		bool fine = key->form == CEL_T_DYN ||
			    (key->form == CEL_T_VALUE &&
			     (key->kind == CEL_BOOL || key->kind == CEL_INT ||
			      key->kind == CEL_UINT || key->kind == CEL_STRING));
		if (!fine && !c->env->unchecked)
			return cel_check_fail(c, n->children[i],
					      "a key is a bool, an int, a uint or a string");
	}
	n->type =
		new_type(c, (struct cel_type){.form = CEL_T_MAP,
					      .at_most = n->count / 2,
					      .of = {common_type(n, 0, 2), common_type(n, 1, 2)}});
	return true;
}

static bool must_be_bool(struct cel_check *c, struct cel_node *n)
{
	if (c->env->unchecked || cel_type_agrees(n->type, &cel_types[CEL_BOOL]))
		return true;
	struct slice text = cel_type_text(n->type, c->arena);
	struct slice sentence = arena_printf(c->arena, "this has to be a bool, it is of type %.*s",
					     SLICE_ARG(text));
	return cel_check_complain(c, n, "", sentence, SLICE(""));
}

static bool check_logic(struct cel_check *c, struct cel_node *n)
{
	if (!check_children(c, n) || !must_be_bool(c, n->children[0]) ||
	    !must_be_bool(c, n->children[1]))
		return false;
	n->type = &cel_types[CEL_BOOL];
	return true;
}

static bool check_conditional(struct cel_check *c, struct cel_node *n)
{
	if (!check_children(c, n) || !must_be_bool(c, n->children[0]))
		return false;
	const struct cel_type *a = n->children[1]->type, *b = n->children[2]->type;
	n->type = cel_type_join(a, b);
	if (c->env->unchecked || cel_type_agrees(a, b))
		return true;
	struct slice ta = cel_type_text(a, c->arena), tb = cel_type_text(b, c->arena);
	struct slice sentence = arena_printf(
		c->arena,
		"both results have to be of one type, they are %.*s and %.*s (dyn() takes any)",
		SLICE_ARG(ta), SLICE_ARG(tb));
	return cel_check_complain(c, n, "", sentence, SLICE(""));
}

/* ---- local variables */

static void enter(struct cel_check *c, struct cel_scope *l, struct slice name, uint32_t slot,
		  const struct cel_type *type)
{
	*l = (struct cel_scope){c->scope, name, slot, type};
	c->scope = l;
	if (slot >= c->program->locals)
		c->program->locals = slot + 1;
}

static bool check_bind(struct cel_check *c, struct cel_node *n)
{
	const struct cel_scope *outer = c->scope;
	struct cel_scope l;

	if (!cel_check_node(c, n->children[1]))
		return false;
	n->slot = c->locals++;
	enter(c, &l, n->children[0]->name.text, n->slot, n->children[1]->type);
	bool fine = cel_check_node(c, n->children[2]);
	c->scope = outer;
	c->locals--;
	n->type = n->children[2]->type;
	return fine;
}

static const struct cel_type *fold_type(struct cel_check *c, const struct cel_node *n,
					const struct cel_type *key, const struct cel_type *item)
{
	const struct cel_node *result = n->children[FOLD_RESULT];
	uint32_t at_most = n->children[FOLD_RANGE]->type->at_most;

	switch ((enum cel_fold)n->fold) {
	case CEL_FOLD_LIST:
		return cel_check_list_of(c, result ? result->type : item, at_most);
	case CEL_FOLD_MAP:
		return new_type(c, (struct cel_type){.form = CEL_T_MAP,
						     .at_most = at_most,
						     .of = {key, result->type}});
	case CEL_FOLD_MAP_ENTRY:
		return &cel_map_of_dyn;
	case CEL_FOLD_ALL:
	case CEL_FOLD_EXISTS:
	case CEL_FOLD_EXISTS_ONE:
		break;
	}
	return &cel_types[CEL_BOOL];
}

static bool check_fold_body(struct cel_check *c, struct cel_node *n, const struct cel_type *key,
			    const struct cel_type *value, const struct cel_type *one)
{
	struct cel_node *const *child = n->children;
	struct cel_scope first, second;

	enter(c, &first, child[FOLD_VAR1]->name.text, n->slot, child[FOLD_VAR2] ? key : one);
	if (child[FOLD_VAR2])
		enter(c, &second, child[FOLD_VAR2]->name.text, n->slot + 1, value);
	if (child[FOLD_CONDITION] &&
	    (!cel_check_node(c, child[FOLD_CONDITION]) || !must_be_bool(c, child[FOLD_CONDITION])))
		return false;
	if (child[FOLD_RESULT] && !cel_check_node(c, child[FOLD_RESULT]))
		return false;
	n->type = fold_type(c, n, key, one);
	return true;
}

static bool check_fold(struct cel_check *c, struct cel_node *n)
{
	const struct cel_scope *outer = c->scope;

	if (!cel_check_node(c, n->children[FOLD_RANGE]))
		return false;
	const struct cel_type *range = n->children[FOLD_RANGE]->type;
	const struct cel_type *key = &cel_dyn, *value = &cel_dyn, *one = &cel_dyn;
	if (range->form == CEL_T_LIST) {
		key = &cel_types[CEL_INT];
		value = one = range->of[0];
	} else if (range->form == CEL_T_MAP) {
		key = one = range->of[0];
		value = range->of[1];
	} else if (range->form == CEL_T_OBJECT) {
		key = one = &cel_types[CEL_STRING];
	} else if (range->form != CEL_T_DYN) {
		return cel_check_fail(c, n,
				      "this goes over a list or a map, not over a single value");
	}
	uint32_t slots = n->children[FOLD_VAR2] ? 2 : 1;
	n->slot = c->locals;
	c->locals += slots;
	bool fine = check_fold_body(c, n, key, value, one);
	c->scope = outer;
	c->locals -= slots;
	return fine;
}

/* ---- constants */

static bool all_constant(const struct cel_node *n)
{
	for (uint32_t i = 0; i < n->count; i++)
		if (n->children[i]->op != CEL_OP_CONST)
			return false;
	return true;
}

/* What fails is left to fail when it is run: perhaps it never is. */
static void fold_constant(struct cel_check *c, struct cel_node *n)
{
	struct cel_run run = {.program = c->program, .arena = c->arena, .steps = FOLDING_STEPS};

	if (!all_constant(n))
		return;
	struct cel_value v = cel_evaluate(&run, n);
	if (v.kind == CEL_ERROR)
		return;
	n->op = CEL_OP_CONST;
	n->value = v;
	n->count = 0;
}

static bool compile_pattern(struct cel_check *c, struct cel_node *n)
{
	const struct cel_node *pattern = n->count == 2 ? n->children[1] : NULL;
	struct slice sentence;
	size_t at;

	if (!pattern || pattern->op != CEL_OP_CONST || pattern->value.kind != CEL_STRING ||
	    !slice_eq(n->name.text, SLICE("matches")))
		return true;
	n->regex = cel_regex_compile(pattern->value.as.text, c->arena, &sentence, &at);
	if (n->regex || c->env->unchecked)
		return true;
	sentence = arena_printf(c->arena, "the pattern is refused at its byte %zu: %.*s", at,
				SLICE_ARG(sentence));
	return cel_check_complain(c, n->children[1], "", sentence, SLICE(""));
}

/* Most of what rules ask is how two things compare: that goes without a call. */
static void note_comparison(struct cel_node *n)
{
	static const struct {
		struct slice name;
		enum cel_op op;
	} comparisons[] = {
		{SLICE_INIT("_==_"), CEL_OP_EQUAL}, {SLICE_INIT("_!=_"), CEL_OP_DIFFER},
		{SLICE_INIT("_<_"), CEL_OP_BELOW},  {SLICE_INIT("_<=_"), CEL_OP_AT_MOST},
		{SLICE_INIT("_>_"), CEL_OP_ABOVE},  {SLICE_INIT("_>=_"), CEL_OP_AT_LEAST},
	};

	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
		if (n->count == 2 && slice_eq(n->name.text, comparisons[i].name))
			n->op = (uint8_t)comparisons[i].op;
}

static bool check_call(struct cel_check *c, struct cel_node *n)
{
	if (!cel_check_call(c, n))
		return false;
	if (n->op == CEL_OP_CALL && !compile_pattern(c, n))
		return false;
	if (n->op == CEL_OP_CALL)
		fold_constant(c, n);
	if (n->op == CEL_OP_CALL)
		note_comparison(n);
	return true;
}

/* A declared double that comes from JSON may be written without a fraction. */
static void mark_real(struct cel_node *n)
{
	bool real = n->type->form == CEL_T_VALUE && n->type->kind == CEL_DOUBLE;

	if (real && (n->op == CEL_OP_VARIABLE || n->op == CEL_OP_LOCAL || n->op == CEL_OP_SELECT ||
		     n->op == CEL_OP_CALL))
		n->flags |= CEL_NODE_REAL;
}

static bool check(struct cel_check *c, struct cel_node *n)
{
	switch ((enum cel_op)n->op) {
	case CEL_OP_CONST:
		n->type = n->value.kind < CEL_KINDS ? &cel_types[n->value.kind] : &cel_dyn;
		return true;
	case CEL_OP_IDENT:
		return check_name(c, n);
	case CEL_OP_SELECT:
	case CEL_OP_HAS:
		return check_member(c, n);
	case CEL_OP_CALL:
		return check_call(c, n);
	case CEL_OP_LIST:
	case CEL_OP_MAP:
		if (n->op == CEL_OP_LIST ? !check_list(c, n) : !check_map(c, n))
			return false;
		fold_constant(c, n);
		return true;
	case CEL_OP_COND:
		return check_conditional(c, n);
	case CEL_OP_AND:
	case CEL_OP_OR:
		return check_logic(c, n);
	case CEL_OP_FOLD:
		return check_fold(c, n);
	case CEL_OP_BIND:
		return check_bind(c, n);
	case CEL_OP_FAIL:
	case CEL_OP_VARIABLE:
	case CEL_OP_LOCAL:
	case CEL_OP_EQUAL:
	case CEL_OP_DIFFER:
	case CEL_OP_BELOW:
	case CEL_OP_AT_MOST:
	case CEL_OP_ABOVE:
	case CEL_OP_AT_LEAST:
		break;
	}
	return true;
}

bool cel_check_node(struct cel_check *c, struct cel_node *n)
{
	if (!check(c, n))
		return false;
	mark_real(n);
	return true;
}
