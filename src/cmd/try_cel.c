/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport try cel`; see try_cel.h. */
#include "cmd/try_cel.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/jsonout.h"
#include "cel/cel.h"
#include "cmd/try_cel_typed.h"
#include "cmd/try_input.h"
#include "cmd/zone.h"
#include "json/read.h"

enum { ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 27 };

struct question {
	struct slice expr;
	const struct json_node *vars; /* an object, or NULL */
	bool typed;
	struct cel_variable *names;
	struct cel_value *values;
	uint32_t count;
};

static int say_refused(const struct cel_error *e, struct buf *out)
{
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member(&j, "error", e->sentence);
	jsonout_member_u64(&j, "at", e->at);
	jsonout_member_cstring(&j, "phase", cel_phase_name(e->phase));
	if (e->suggestion.len)
		jsonout_member(&j, "suggestion", e->suggestion);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

/* `refused` is what the check said against an expression that was run all the same; or empty. */
static int say_value(const struct cel_value *v, bool typed, struct slice refused, struct buf *out)
{
	struct jsonout j;

	int r = buf_append(out, SLICE("{\"value\":"));

	if (r == 0)
		r = typed ? try_cel_write_typed(v, out) : cel_write_json(v, out);
	if (r)
		return r;
	r = buf_printf(out, ",\"type\":\"%.*s\"", SLICE_ARG(cel_kind_name(v->kind)));
	jsonout_init(&j, out);
	j.comma = true;
	if (r == 0 && refused.len)
		jsonout_member(&j, "refused", refused);
	if (r == 0 && !j.ok)
		r = BUF_FULL;
	return r ? r : buf_append(out, SLICE("}"));
}

/* ---- the question */

static bool read_variables(struct question *q, struct arena *a)
{
	uint32_t room = json_count(q->vars);

	q->names = arena_calloc(a, room, sizeof(*q->names));
	q->values = arena_calloc(a, room, sizeof(*q->values));
	if (!q->names || !q->values)
		return false;
	if (!q->vars)
		return true;
	JSON_EACH_MEMBER (key, q->vars) {
		const struct json_node *value = json_value_of(key);
		struct cel_value *v = &q->values[q->count];
		*v = q->typed ? try_cel_read_typed(value, a) : cel_from_json(value);
		q->names[q->count].name = json_string(key);
		/* What JSON has inside is not declared anywhere. */
		q->names[q->count++].type = q->typed ? &cel_types[v->kind] : NULL;
		if (v->kind == CEL_ERROR)
			return false;
	}
	return true;
}

static bool evaluate(const struct question *q, const struct cel_env *env, struct arena *a,
		     struct cel_value *v, struct cel_error *error)
{
	const struct cel_program *p;

	return cel_compile(q->expr, env, a, &p, error) == 0 &&
	       cel_eval(p, q->values, q->count, a, v, error) == 0;
}

static int answer(const struct question *q, const struct cel_env *settings, struct arena *a,
		  struct buf *out)
{
	struct cel_env env = *settings;
	struct cel_error error, ignored;
	struct cel_value v;

	env.variables = q->names;
	env.variable_count = q->count;
	env.zone = zone_offset;
	if (evaluate(q, &env, a, &v, &error))
		return say_value(&v, q->typed, SLICE(""), out);
	/* Conformance suites have expressions that only a run without the check accepts. */
	if (q->typed && error.phase == CEL_PHASE_CHECK) {
		env.unchecked = true;
		if (evaluate(q, &env, a, &v, &ignored))
			return say_value(&v, true, error.sentence, out);
	}
	return say_refused(&error, out);
}

static int judge_line(struct slice line, struct arena *a, struct buf *out)
{
	const struct json_limits limits = {.depth = JSON_DEPTH_MAX,
					   .members = UINT32_MAX,
					   .values = UINT32_MAX,
					   .any_strings = true,
					   .any_keys = true,
					   .big_integers = true};
	static const char wanted[] = "a line is {\"expr\": \"...\", \"vars\": {...}}";
	struct json_doc doc;

	if (json_read(line, &limits, a, &doc))
		return try_say_error(wanted, out);
	const struct json_node *expr = json_member_typed(doc.root, SLICE("expr"), JSON_STRING);
	const struct json_node *vars = json_member(doc.root, SLICE("vars"));
	if (!expr || (vars && json_type(vars) != JSON_OBJECT))
		return try_say_error(wanted, out);
	struct question q = {.expr = json_string(expr),
			     .vars = vars,
			     .typed = json_is_true(json_member(doc.root, SLICE("typed")))};
	const struct cel_env env = {
		.unchecked = json_is_true(json_member(doc.root, SLICE("unchecked"))),
		.no_macros = json_is_true(json_member(doc.root, SLICE("no_macros"))),
		/* How long its lists can be is known here. */
		.limits = {.items = doc.nodes},
	};
	if (!read_variables(&q, a))
		return try_say_error("a variable is not an object that names its kind", out);
	return answer(&q, &env, a, out);
}

int try_cel_line(struct slice line, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = judge_line(line, &a, out);
	arena_deinit(&a);
	return r;
}

int try_cel_text(struct slice text, struct buf *out)
{
	const struct cel_env env = {0};
	struct question q = {.expr = text};
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = answer(&q, &env, &a, out);
	arena_deinit(&a);
	return r;
}
