/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An expression with the variables of a JSON object, evaluated: what the tests of the layer
 * share. The result is JSON, or `phase at sentence [suggestion]`.
 */
#include <stdio.h>

#include "cel/quick.h"
#include "json/read.h"

struct cel_tried {
	struct arena arena;
	struct cel_variable names[16];
	struct cel_value values[16];
	uint32_t count;
	struct cel_env env;
	struct cel_error error;
	struct cel_value value;
	const struct cel_program *program;
	struct buf text;
	bool failed;
};

static inline void cel_try_init(struct cel_tried *t)
{
	memset(t, 0, sizeof(*t));
	arena_init(&t->arena, 1 << 14, 1 << 24);
	buf_init(&t->text, 1 << 20);
}

static inline void cel_try_deinit(struct cel_tried *t)
{
	arena_deinit(&t->arena);
	buf_deinit(&t->text);
}

/* Reads the variables, all dyn; false when they are not an object. */
static inline bool cel_try_variables(struct cel_tried *t, const char *json)
{
	const struct json_limits limits = {
		.depth = 64, .members = 1024, .values = 100000, .big_integers = true};
	struct json_doc doc;

	if (json_read(slice_from_cstr(json), &limits, &t->arena, &doc) ||
	    json_type(doc.root) != JSON_OBJECT)
		return false;
	JSON_EACH_MEMBER (key, doc.root) {
		t->names[t->count].name = json_string(key);
		t->values[t->count++] = cel_from_json(json_value_of(key));
	}
	t->env.variables = t->names;
	t->env.variable_count = t->count;
	return true;
}

/* What a quick look says; it says the same of members whose places are known. */
static inline bool cel_try_quick(const struct cel_tried *t, uint32_t count)
{
	const struct cel_quick *q = t->program ? cel_program_quick(t->program) : NULL;
	const struct cel_value *values[CEL_QUICK_VARIABLES] = {NULL};

	for (uint8_t i = 0; q && i < q->variable_count; i++)
		values[i] = q->variables[i] < count ? &t->values[q->variables[i]] : NULL;
	bool holds = q && cel_quick_holds(q, values, NULL, NULL);
	for (uint32_t slot = 0; q && slot < count; slot++) {
		const struct cel_value *v = &t->values[slot];
		struct cel_quick_nodes nodes;
		if (v->kind == CEL_MAP && v->flags & CEL_FROM_JSON &&
		    cel_quick_find(q, slot, v->as.json, &nodes))
			assert_true(cel_quick_holds(q, values, v->as.json, &nodes) == holds);
	}
	return holds;
}

static inline void cel_try_run(struct cel_tried *t, struct slice expr)
{
	t->failed = cel_compile(expr, &t->env, &t->arena, &t->program, &t->error) ||
		    cel_eval(t->program, t->values, t->count, &t->arena, &t->value, &t->error);
	/* What a quick look calls true is. */
	if (cel_try_quick(t, t->count))
		assert_true(!t->failed && t->value.kind == CEL_BOOL && t->value.as.truth);
}

/* What came of it, as text. */
static inline struct slice cel_try_text(struct cel_tried *t)
{
	int r = 0;

	if (!t->failed)
		r = cel_write_json(&t->value, &t->text);
	else
		r = buf_printf(&t->text, "%s %zu %.*s%s%.*s", cel_phase_name(t->error.phase),
			       t->error.at, SLICE_ARG(t->error.sentence),
			       t->error.suggestion.len ? " -> " : "",
			       SLICE_ARG(t->error.suggestion));
	return r ? SLICE("cannot be written") : buf_slice(&t->text);
}
