/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over a value and the schemas that apply to it; see schema_plan.h. */
#include "contract/schema_plan.h"

#include "contract/schema_program.h"

enum { VISITS_MAX = 512 }; /* of schemas at values: whoever asks for more has no plan */

struct walk {
	struct schema_plan *plan;
	const struct json_node *root, *fixed;
	bool big;
	uint32_t visits;
};

static bool visit(struct walk *w, const struct schema_node *s, const struct json_node *v);

/* What may stand in v's place satisfies s, whatever it is. */
static bool needs_no_check(const struct schema_node *s, const struct json_node *v)
{
	const unsigned words = 1u << JSON_NULL | 1u << JSON_BOOL;
	unsigned types = 1u << v->type & words ? words : 1u << v->type;

	return (s->plain & types) == types;
}

static bool visit_scalar(struct walk *w, const struct schema_node *s, const struct json_node *v)
{
	if (v == w->fixed || (needs_no_check(s, v) && !(w->big && v->type == JSON_NUMBER)))
		return true;
	if (w->plan->count == SCHEMA_PLAN_CHECKS)
		return false;
	w->plan->checks[w->plan->count].node = (uint32_t)(v - w->root);
	w->plan->checks[w->plan->count++].schema = s;
	return true;
}

/* Schemas in the place of s: all of them have to hold. Others ask about scalars. */
static bool visit_other(struct walk *w, const struct schema_other *s, const struct json_node *v)
{
	if (s->constant || s->enumeration || s->dynamic.fallback || s->any.count || s->one.count ||
	    s->none || s->condition)
		return false;
	if (s->ref && !visit(w, s->ref, v))
		return false;
	for (uint32_t i = 0; i < s->all.count; i++)
		if (!visit(w, s->all.items[i], v))
			return false;
	return true;
}

/* How many members there are and which is the same for all of that shape. */
static bool visit_object(struct walk *w, const struct schema_object *s, const struct json_node *v)
{
	if (!s->plain || s->unevaluated)
		return false;
	JSON_EACH_MEMBER (key, v) {
		const struct schema_name *name =
			schema_names_find(&s->names, key->data, key->len, key->as.string.hash);
		const struct schema_node *schema =
			name && name->schema ? name->schema : s->additional;
		if (schema && !visit(w, schema, json_value_of(key)))
			return false;
	}
	return true;
}

static bool visit_array(struct walk *w, const struct schema_array *s, const struct json_node *v)
{
	uint32_t index = 0;

	if (s->unique || s->contains || s->unevaluated)
		return false;
	JSON_EACH (item, v) {
		const struct schema_node *schema =
			index < s->prefix.count ? s->prefix.items[index] : s->items;
		if (schema && !visit(w, schema, item))
			return false;
		index++;
	}
	return true;
}

static bool visit(struct walk *w, const struct schema_node *s, const struct json_node *v)
{
	if (++w->visits > VISITS_MAX)
		return false;
	if (v->type < JSON_ARRAY)
		return visit_scalar(w, s, v);
	if (s->other && !visit_other(w, s->other, v))
		return false;
	if (v->type == JSON_OBJECT)
		return !s->object || visit_object(w, s->object, v);
	return !s->array || visit_array(w, s->array, v);
}

static bool checks_node(const struct schema_plan *plan, uint32_t node)
{
	uint32_t i = 0;

	while (i < plan->count && plan->checks[i].node != node)
		i++;
	return i < plan->count;
}

/* A number of which no schema speaks may be any but a big one: that, too, has to be asked. */
static bool checks_numbers(const struct walk *w)
{
	for (const struct json_node *v = w->root; v < json_next(w->root); v++)
		if (v->type == JSON_NUMBER && v != w->fixed &&
		    !checks_node(w->plan, (uint32_t)(v - w->root)))
			return false;
	return true;
}

bool schema_plan_make(struct schema_plan *plan, const struct schema *s,
		      const struct json_node *value, const struct json_node *fixed, bool big)
{
	struct walk w = {.plan = plan, .root = value, .fixed = fixed, .big = big};

	plan->count = 0;
	plan->schema = NULL;
	if (!s->dynamic && visit(&w, s->root, value) && (!big || checks_numbers(&w)))
		plan->schema = s;
	return plan->schema != NULL;
}
