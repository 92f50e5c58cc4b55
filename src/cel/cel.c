/* SPDX-License-Identifier: Apache-2.0 */
/* The language from outside: compile and evaluate; see cel.h. */
#include "cel/cel.h"

#include "cel/check.h"
#include "cel/quick.h"

/* Parsing and evaluating recurse; more would not fit a thread's stack. */
enum { DEPTH_MOST = 1000 };

static const struct cel_limits defaults = {
	.text_bytes = 16 << 10,
	.depth = 200,
	.nodes = 4096,
	.items = 10000,
	.cost = 1000000,
	.steps = 2000000,
};

const char *cel_phase_name(enum cel_phase phase)
{
	switch (phase) {
	case CEL_PHASE_PARSE:
		return "parse";
	case CEL_PHASE_CHECK:
		return "check";
	case CEL_PHASE_RUN:
		break;
	}
	return "run";
}

static struct cel_limits limits_of(const struct cel_env *env)
{
	struct cel_limits l = env->limits;

	l.text_bytes = l.text_bytes ? l.text_bytes : defaults.text_bytes;
	l.depth = l.depth ? l.depth : defaults.depth;
	l.depth = l.depth < DEPTH_MOST ? l.depth : DEPTH_MOST;
	l.nodes = l.nodes ? l.nodes : defaults.nodes;
	l.items = l.items ? l.items : defaults.items;
	l.cost = l.cost ? l.cost : defaults.cost;
	l.steps = l.steps ? l.steps : defaults.steps;
	return l;
}

static int failed(struct cel_error *error, enum cel_phase phase, const char *sentence)
{
	*error = (struct cel_error){.phase = phase, .sentence = slice_from_cstr(sentence)};
	return CEL_FAILED;
}

/* ---- compiling */

static int refuse_cost(const struct cel_program *p, const struct cel_limits *l, struct arena *a,
		       struct cel_error *error)
{
	if (p->cost <= l->cost)
		return 0;
	struct slice sentence = arena_printf(
		a,
		"the expression may take %llu steps, which is more than %llu: a list of unknown "
		"length is taken to have %u items, and one loop inside another multiplies",
		(unsigned long long)p->cost, (unsigned long long)l->cost, l->items);
	if (!sentence.data)
		sentence = SLICE("the expression may take too many steps");
	*error = (struct cel_error){CEL_PHASE_CHECK, p->root->at, sentence, SLICE("")};
	return CEL_FAILED;
}

static int check(struct cel_node *root, const struct cel_env *env, struct arena *a,
		 struct cel_program *p, bool *uses, struct cel_error *error)
{
	struct cel_check c = {.env = env, .arena = a, .error = error, .program = p, .uses = uses};

	*error = (struct cel_error){.phase = CEL_PHASE_CHECK,
				    .sentence = SLICE("there is no memory for the check")};
	if (!cel_check_node(&c, root))
		return CEL_FAILED;
	p->root = root;
	p->uses = uses;
	return 0;
}

/* Without memory it is done without. */
static const struct cel_quick *make_quick(const struct cel_node *root, struct arena *a)
{
	struct cel_quick quick;
	struct cel_quick *q = cel_quick_make(&quick, root) ? arena_alloc(a, sizeof(*q)) : NULL;

	if (q)
		*q = quick;
	return q;
}

int cel_compile(struct slice text, const struct cel_env *env, struct arena *a,
		const struct cel_program **out, struct cel_error *error)
{
	const struct cel_limits limits = limits_of(env);
	/* The tree points into its text. */
	struct slice kept = text.len <= limits.text_bytes ? arena_copy(a, text) : text;

	*out = NULL;
	if (!kept.data)
		return failed(error, CEL_PHASE_PARSE, "there is no memory for the expression");
	struct cel_node *root = cel_parse(kept, &limits, env->no_macros, a, error);
	if (!root)
		return CEL_FAILED;
	struct cel_program *p = arena_calloc(a, 1, sizeof(*p));
	bool *uses = arena_calloc(a, (size_t)env->variable_count + 1, sizeof(*uses));
	if (!p || !uses)
		return failed(error, CEL_PHASE_CHECK, "there is no memory for the check");
	*p = (struct cel_program){.variable_count = env->variable_count,
				  .steps = limits.steps,
				  .zone = env->zone,
				  .zone_context = env->zone_context};
	if (check(root, env, a, p, uses, error))
		return CEL_FAILED;
	p->quick = make_quick(root, a);
	/* Something may be missing from the tree. */
	if (a->overflow)
		return failed(error, CEL_PHASE_CHECK, "there is no memory for the check");
	p->cost = cel_cost(root, limits.items);
	if (!env->unchecked && refuse_cost(p, &limits, a, error))
		return CEL_FAILED;
	*out = p;
	return 0;
}

const struct cel_type *cel_program_type(const struct cel_program *p)
{
	return p->root->type;
}

const struct cel_quick *cel_program_quick(const struct cel_program *p)
{
	return p->quick;
}

bool cel_program_uses(const struct cel_program *p, uint32_t slot)
{
	return slot < p->variable_count && p->uses[slot];
}

uint64_t cel_program_cost(const struct cel_program *p)
{
	return p->cost;
}

/* ---- evaluating */

static int run_failed(const struct cel_run *run, const struct cel_value *v, struct cel_error *error)
{
	const char *sentence = run->fatal ? run->fatal : v->as.error.sentence;
	const struct cel_node *n = run->fatal ? run->fatal_node : v->as.error.node;
	struct slice text = slice_from_cstr(sentence ? sentence : "the expression has no value");

	if (n && n->name.text.len && (n->op == CEL_OP_SELECT || n->op == CEL_OP_VARIABLE)) {
		struct slice named = arena_printf(run->arena, "%.*s: '%.*s'", SLICE_ARG(text),
						  SLICE_ARG(n->name.text));
		text = named.data ? named : text;
	}
	*error = (struct cel_error){.phase = CEL_PHASE_RUN, .at = n ? n->at : 0, .sentence = text};
	return CEL_FAILED;
}

int cel_eval(const struct cel_program *p, const struct cel_value *slots, uint32_t slot_count,
	     struct arena *a, struct cel_value *out, struct cel_error *error)
{
	struct cel_value few[8];
	struct cel_run run = {.program = p,
			      .slots = slots,
			      .slot_count = slot_count,
			      .locals = few,
			      .arena = a,
			      .steps = p->steps};

	*out = (struct cel_value){0};
	if (p->locals > sizeof(few) / sizeof(few[0]))
		run.locals = arena_calloc(a, p->locals, sizeof(*run.locals));
	if (!run.locals)
		return failed(error, CEL_PHASE_RUN, "the expression needs too much memory");
	struct cel_value v = cel_evaluate(&run, p->root);
	if (run.fatal || v.kind == CEL_ERROR)
		return run_failed(&run, &v, error);
	*out = v;
	return 0;
}

bool cel_allows(const struct cel_program *p, const struct cel_value *slots, uint32_t slot_count,
		struct arena *a, struct cel_error *error)
{
	struct cel_value v;

	if (cel_eval(p, slots, slot_count, a, &v, error))
		return false;
	if (v.kind == CEL_BOOL && v.as.truth)
		return true;
	*error = (struct cel_error){.phase = CEL_PHASE_RUN,
				    .at = p->root->at,
				    .sentence = v.kind == CEL_BOOL
							? SLICE("the expression is false")
							: SLICE("the expression gives no bool")};
	return false;
}
