/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree -> value. Recursion is bounded by the tree's height, time by the steps of the run.
 *
 * Errors are values: they pass through everything but `&&`, `||`, all() and exists(), which
 * know their answer without them. What ends the whole run (run->fatal) is an error everywhere.
 */
#include "cel/function.h"

static bool steps_left(struct cel_run *run, const struct cel_node *n)
{
	if (!run->fatal && run->steps == 0)
		cel_too_long(run, n);
	return !run->fatal;
}

/* ---- names and members */

static struct cel_value variable(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value v = {0};

	if (n->slot < run->slot_count)
		v = run->slots[n->slot];
	return v.kind == CEL_ERROR ? cel_fail(n, "the variable has no value") : v;
}

static struct cel_value member_of(struct cel_run *run, const struct cel_node *n,
				  const struct cel_value *operand)
{
	if (operand->kind == CEL_ERROR)
		return *operand;
	if (operand->kind != CEL_MAP)
		return cel_fail(n, "this value has no members");
	struct cel_value v = cel_map_member(operand, &n->name, &run->steps);
	if (!steps_left(run, n))
		return cel_fail(n, run->fatal);
	return v.kind == CEL_ERROR ? cel_fail(n, "there is no such member") : v;
}

static struct cel_value member(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value operand = cel_evaluate(run, n->children[0]);

	return member_of(run, n, &operand);
}

static struct cel_value has(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value operand = cel_evaluate(run, n->children[0]);

	if (operand.kind == CEL_ERROR)
		return operand;
	if (operand.kind != CEL_MAP)
		return cel_fail(n, "this value has no members");
	struct cel_value v = cel_map_member(&operand, &n->name, &run->steps);
	if (!steps_left(run, n))
		return cel_fail(n, run->fatal);
	return cel_bool(v.kind != CEL_ERROR);
}

/* ---- calls */

static bool takes(const struct cel_type *param, const struct cel_value *v)
{
	switch (param->form) {
	case CEL_T_DYN:
		return true;
	case CEL_T_PARAMETER:
		return param != &cel_number || cel_is_number(v);
	case CEL_T_VALUE:
		return param->kind == (enum cel_kind)v->kind;
	case CEL_T_LIST:
		return v->kind == CEL_LIST;
	case CEL_T_MAP:
	case CEL_T_OBJECT:
		return v->kind == CEL_MAP;
	}
	return false;
}

static const struct cel_function *overload(const struct cel_node *n, const struct cel_value *args)
{
	for (uint32_t i = 0; i < n->function_count; i++) {
		const struct cel_function *f = &n->functions[i];
		uint32_t fits = 0;
		if (f->count != n->count)
			continue;
		while (fits < f->count && takes(f->args[fits], &args[fits]))
			fits++;
		if (fits == f->count)
			return f;
	}
	return NULL;
}

/* JSON has one kind of number: with a double, its ints are doubles. Whether that changed any. */
static bool mix_numbers(struct cel_value *args, uint32_t count)
{
	if (count != 2 || args[0].kind == args[1].kind ||
	    !((args[0].flags | args[1].flags) & CEL_FROM_JSON))
		return false;
	struct cel_value *whole = args[0].kind == CEL_INT ? &args[0] : &args[1];
	struct cel_value *real = args[0].kind == CEL_INT ? &args[1] : &args[0];
	if (whole->kind != CEL_INT || real->kind != CEL_DOUBLE)
		return false;
	*whole = cel_double((double)whole->as.integer);
	return true;
}

static struct cel_value apply(struct cel_run *run, const struct cel_node *n, struct cel_value *args)
{
	const struct cel_function *f = overload(n, args);

	if (!f && mix_numbers(args, n->count))
		f = overload(n, args);
	return f ? f->call(run, n, args) : cel_no_overload(n);
}

static struct cel_value call(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value args[CEL_ARGS_MAX];

	args[0] = cel_null();
	for (uint32_t i = 0; i < n->count; i++) {
		args[i] = cel_evaluate(run, n->children[i]);
		if (args[i].kind == CEL_ERROR)
			return args[i];
	}
	return apply(run, n, args);
}

/* ---- comparisons */

/* Where the value of a name or a constant lies; NULL: it has none, or has to be made. */
static const struct cel_value *place_of(const struct cel_run *run, const struct cel_node *n)
{
	if (n->flags & CEL_NODE_REAL)
		return NULL;
	if (n->op == CEL_OP_VARIABLE)
		return n->slot < run->slot_count ? &run->slots[n->slot] : NULL;
	if (n->op == CEL_OP_CONST)
		return &n->value;
	return n->op == CEL_OP_LOCAL ? &run->locals[n->slot] : NULL;
}

static const struct cel_value *look(struct cel_run *run, const struct cel_node *n,
				    struct cel_value *room);

/* A member of what can be looked at. */
static struct cel_value look_inside(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value room;

	if (run->fatal || !cel_take(run, 1))
		return cel_too_long(run, n);
	const struct cel_value *operand = look(run, n->children[0], &room);
	bool json = operand->kind == CEL_MAP && operand->flags & CEL_FROM_JSON;
	if (!json || !cel_take(run, operand->count / 8 + 1))
		return member_of(run, n, operand);
	const struct json_node *found = json_member_named(operand->as.json, &n->name);
	return found ? cel_from_json(found) : cel_fail(n, "there is no such member");
}

/* As cel_evaluate, but what lies somewhere already is looked at where it lies: names, constants,
 * and members of those. */
static const struct cel_value *look(struct cel_run *run, const struct cel_node *n,
				    struct cel_value *room)
{
	const struct cel_value *there = place_of(run, n);

	if (there && there->kind != CEL_ERROR && !run->fatal && cel_take(run, 1))
		return there;
	if (n->op == CEL_OP_SELECT && !(n->flags & CEL_NODE_REAL))
		*room = look_inside(run, n);
	else
		*room = cel_evaluate(run, n);
	return room;
}

/* Of anything with anything. */
static struct cel_value equality(struct cel_run *run, const struct cel_node *n,
				 const struct cel_value *a, const struct cel_value *b)
{
	bool same = cel_equal(a, b, &run->steps);

	return run->steps ? cel_bool(same == (n->op == CEL_OP_EQUAL)) : cel_too_long(run, n);
}

/* Two ints at once; for what else has an order there are overloads. */
static struct cel_value comparison(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value left, right;
	const struct cel_value *a = look(run, n->children[0], &left);

	if (a->kind == CEL_ERROR)
		return *a;
	const struct cel_value *b = look(run, n->children[1], &right);
	if (b->kind == CEL_ERROR)
		return *b;
	if (n->op == CEL_OP_EQUAL || n->op == CEL_OP_DIFFER)
		return equality(run, n, a, b);
	if (a->kind == CEL_INT && b->kind == CEL_INT)
		return cel_bool(cel_in_order(n->op, a->as.integer, b->as.integer));
	return apply(run, n, (struct cel_value[CEL_ARGS_MAX]){*a, *b});
}

/* ---- literals */

static struct cel_value make_list(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value error, *items = cel_new_items(run, n, n->count, &error);

	if (!items)
		return error;
	for (uint32_t i = 0; i < n->count; i++) {
		items[i] = cel_evaluate(run, n->children[i]);
		if (items[i].kind == CEL_ERROR)
			return items[i];
	}
	return cel_list(items, n->count);
}

/* Adds an entry to a map that is being made; null, or an error. */
static struct cel_value add_entry(struct cel_run *run, const struct cel_node *n,
				  struct cel_value *map, struct cel_entry *entries,
				  const struct cel_entry *e)
{
	if (e->key.kind != CEL_BOOL && e->key.kind != CEL_INT && e->key.kind != CEL_UINT &&
	    e->key.kind != CEL_STRING)
		return cel_fail(n, "a key is a bool, an int, a uint or a string");
	struct cel_value known = cel_map_find(map, &e->key, &run->steps);
	if (!steps_left(run, n))
		return cel_fail(n, run->fatal);
	if (known.kind != CEL_ERROR)
		return cel_fail(n, "two entries have the same key");
	entries[map->count++] = *e;
	return cel_null();
}

static struct cel_entry *new_entries(struct cel_run *run, const struct cel_node *n, uint64_t count,
				     struct cel_value *error)
{
	_Static_assert(sizeof(struct cel_entry) == 2 * sizeof(struct cel_value), "two values");
	return (struct cel_entry *)cel_new_items(run, n, count * 2, error);
}

static struct cel_value make_map(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value r;
	struct cel_entry *entries = new_entries(run, n, n->count / 2, &r);

	if (!entries)
		return r;
	struct cel_value map = cel_map(entries, 0);
	for (uint32_t i = 0; i < n->count; i += 2) {
		struct cel_entry e = {.key = cel_evaluate(run, n->children[i])};
		if (e.key.kind == CEL_ERROR)
			return e.key;
		e.value = cel_evaluate(run, n->children[i + 1]);
		if (e.value.kind == CEL_ERROR)
			return e.value;
		r = add_entry(run, n->children[i], &map, entries, &e);
		if (r.kind == CEL_ERROR)
			return r;
	}
	return map;
}

/* ---- logic */

/* The operand as a bool or an error. */
static struct cel_value truth(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value v = cel_evaluate(run, n);

	return v.kind == CEL_BOOL || v.kind == CEL_ERROR ? v : cel_no_overload(n);
}

/* `decisive` is what settles it whatever the other side is: true for ||, false for &&. */
static struct cel_value either(struct cel_run *run, const struct cel_node *n, bool decisive)
{
	struct cel_value left = truth(run, n->children[0]);

	if (run->fatal || (left.kind == CEL_BOOL && left.as.truth == decisive))
		return left;
	struct cel_value right = truth(run, n->children[1]);
	if (run->fatal || (right.kind == CEL_BOOL && right.as.truth == decisive))
		return right;
	return left.kind == CEL_ERROR ? left : right;
}

static struct cel_value conditional(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value condition = truth(run, n->children[0]);

	if (condition.kind == CEL_ERROR)
		return condition;
	return cel_evaluate(run, n->children[condition.as.truth ? 1 : 2]);
}

/* ---- folds */

/* Brings the next round's variables in; false when there is none. */
static bool next_round(struct cel_run *run, const struct cel_node *n, struct cel_walk *w,
		       struct cel_entry *e)
{
	if (!steps_left(run, n) || !cel_walk_next(w, &e->key, &e->value))
		return false;
	if (n->children[FOLD_VAR2]) {
		run->locals[n->slot] = e->key;
		run->locals[n->slot + 1] = e->value;
	} else {
		run->locals[n->slot] = w->of->kind == CEL_MAP ? e->key : e->value;
	}
	return true;
}

/* all() and exists(): like a chain of && and ||. */
static struct cel_value fold_either(struct cel_run *run, const struct cel_node *n,
				    const struct cel_value *range, bool decisive)
{
	struct cel_walk w = cel_walk(range);
	struct cel_value result = cel_bool(!decisive);
	struct cel_entry e;

	while (next_round(run, n, &w, &e)) {
		struct cel_value v = truth(run, n->children[FOLD_CONDITION]);
		if (v.kind == CEL_BOOL && v.as.truth == decisive)
			return v;
		if (v.kind == CEL_ERROR && result.kind != CEL_ERROR)
			result = v;
	}
	return result;
}

static struct cel_value fold_one(struct cel_run *run, const struct cel_node *n,
				 const struct cel_value *range)
{
	struct cel_walk w = cel_walk(range);
	struct cel_entry e;
	uint32_t found = 0;

	while (next_round(run, n, &w, &e)) {
		struct cel_value v = truth(run, n->children[FOLD_CONDITION]);
		if (v.kind == CEL_ERROR)
			return v;
		found += v.as.truth;
	}
	return cel_bool(found == 1);
}

/* Whether this round counts: true, false or an error. */
static struct cel_value wanted(struct cel_run *run, const struct cel_node *n)
{
	const struct cel_node *condition = n->children[FOLD_CONDITION];

	return condition ? truth(run, condition) : cel_bool(true);
}

static struct cel_value fold_list(struct cel_run *run, const struct cel_node *n,
				  const struct cel_value *range)
{
	struct cel_walk w = cel_walk(range);
	struct cel_value r, *items = cel_new_items(run, n, range->count, &r);
	const struct cel_node *result = n->children[FOLD_RESULT];
	struct cel_entry e;
	uint32_t count = 0;

	if (!items)
		return r;
	while (next_round(run, n, &w, &e)) {
		r = wanted(run, n);
		if (r.kind == CEL_ERROR)
			return r;
		if (!r.as.truth)
			continue;
		items[count] = result ? cel_evaluate(run, result) : run->locals[n->slot];
		if (items[count].kind == CEL_ERROR)
			return items[count];
		count++;
	}
	return cel_list(items, count);
}

/* One round's result into the map: an entry for its key, or the one entry that it is. */
static struct cel_value put_result(struct cel_run *run, const struct cel_node *n,
				   struct cel_value *map, struct cel_entry *entries,
				   struct cel_entry *e)
{
	struct cel_value v = cel_evaluate(run, n->children[FOLD_RESULT]);

	if (v.kind == CEL_ERROR)
		return v;
	if (n->fold == CEL_FOLD_MAP) {
		/* Keys come from a map, or count up: no two are the same. */
		entries[map->count++] = (struct cel_entry){e->key, v};
		return cel_null();
	}
	if (v.kind != CEL_MAP || v.count > 1)
		return cel_fail(n, "the result has to be a map with one entry");
	struct cel_walk w = cel_walk(&v);
	if (!cel_walk_next(&w, &e->key, &e->value))
		return cel_null();
	return add_entry(run, n, map, entries, e);
}

static struct cel_value fold_map(struct cel_run *run, const struct cel_node *n,
				 const struct cel_value *range)
{
	struct cel_walk w = cel_walk(range);
	struct cel_value r;
	struct cel_entry e, *entries = new_entries(run, n, range->count, &r);

	if (!entries)
		return r;
	struct cel_value map = cel_map(entries, 0);
	while (next_round(run, n, &w, &e)) {
		r = wanted(run, n);
		if (r.kind == CEL_BOOL && r.as.truth)
			r = put_result(run, n, &map, entries, &e);
		if (r.kind == CEL_ERROR)
			return r;
	}
	return map;
}

static struct cel_value fold(struct cel_run *run, const struct cel_node *n)
{
	struct cel_value range = cel_evaluate(run, n->children[FOLD_RANGE]);

	if (range.kind == CEL_ERROR)
		return range;
	if (range.kind != CEL_LIST && range.kind != CEL_MAP)
		return cel_no_overload(n);
	switch ((enum cel_fold)n->fold) {
	case CEL_FOLD_ALL:
		return fold_either(run, n, &range, false);
	case CEL_FOLD_EXISTS:
		return fold_either(run, n, &range, true);
	case CEL_FOLD_EXISTS_ONE:
		return fold_one(run, n, &range);
	case CEL_FOLD_LIST:
		return fold_list(run, n, &range);
	case CEL_FOLD_MAP:
	case CEL_FOLD_MAP_ENTRY:
		return fold_map(run, n, &range);
	}
	return cel_no_overload(n);
}

/* An error is bound as well: it matters only where the name is used. */
static struct cel_value bind(struct cel_run *run, const struct cel_node *n)
{
	run->locals[n->slot] = cel_evaluate(run, n->children[1]);
	return cel_evaluate(run, n->children[2]);
}

/* ---- */

static struct cel_value evaluate(struct cel_run *run, const struct cel_node *n)
{
	switch ((enum cel_op)n->op) {
	case CEL_OP_CONST:
		return n->value;
	case CEL_OP_VARIABLE:
		return variable(run, n);
	case CEL_OP_LOCAL:
		return run->locals[n->slot];
	case CEL_OP_SELECT:
		return member(run, n);
	case CEL_OP_HAS:
		return has(run, n);
	case CEL_OP_CALL:
		return call(run, n);
	case CEL_OP_EQUAL:
	case CEL_OP_DIFFER:
	case CEL_OP_BELOW:
	case CEL_OP_AT_MOST:
	case CEL_OP_ABOVE:
	case CEL_OP_AT_LEAST:
		return comparison(run, n);
	case CEL_OP_LIST:
		return make_list(run, n);
	case CEL_OP_MAP:
		return make_map(run, n);
	case CEL_OP_COND:
		return conditional(run, n);
	case CEL_OP_AND:
		return either(run, n, false);
	case CEL_OP_OR:
		return either(run, n, true);
	case CEL_OP_FOLD:
		return fold(run, n);
	case CEL_OP_BIND:
		return bind(run, n);
	case CEL_OP_FAIL:
	case CEL_OP_IDENT:
		break;
	}
	return cel_fail(n, n->sentence ? n->sentence : "this cannot be evaluated");
}

struct cel_value cel_evaluate(struct cel_run *run, const struct cel_node *n)
{
	if (run->fatal || !cel_take(run, 1))
		return cel_too_long(run, n);
	if (!(n->flags & CEL_NODE_REAL))
		return evaluate(run, n);
	struct cel_value v = evaluate(run, n);
	if (v.kind == CEL_INT)
		return cel_double((double)v.as.integer);
	return v;
}
