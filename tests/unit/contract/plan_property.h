/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What must hold for every schema and every value: put other scalars of the same kind in the
 * place of the value's, and the plan says of it what the schema says. Returns NULL, or a sentence
 * about what does not hold. Used by unit tests and by fuzzing.
 */
#include <stdlib.h>
#include <string.h>

#include "contract/schema_plan.h"
#include "json/read.h"

/* Of each kind one after the other; a shape has no other for a word than a word. */
static const char plan_scalars[] =
	"[\"\",\"a\",\"foo\",\"\xc3\xa9\xe2\x82\xac\",\"2024-05-01T12:34:56Z\",\"aaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",0,1,-1,3,12,1.0,1.5,-0.25,1e3,"
	"1e300,1e-300,9007199254740991,9223372036854775807,true,false,null]";

struct plan_case {
	const struct schema *schema;
	struct schema_room *room;
	struct schema_plan plan;
	bool big; /* big integers may come */
	const char *broken;
};

/* It satisfies the schema, and nothing in it is undeclared. */
static inline bool plan_accepts(const struct plan_case *c, const struct json_node *v)
{
	const struct json_node *const *keys;
	uint32_t count;

	return schema_validate_undeclared(c->schema, v, c->room, NULL, &keys, &count) && !count;
}

static inline bool plan_same_kind(const struct json_node *a, const struct json_node *b)
{
	bool a_word = a->type == JSON_NULL || a->type == JSON_BOOL;
	bool b_word = b->type == JSON_NULL || b->type == JSON_BOOL;

	return a->type == b->type || (a_word && b_word);
}

static inline bool plan_has_big(const struct json_node *v, uint32_t nodes)
{
	for (uint32_t i = 0; i < nodes; i++)
		if (v[i].type == JSON_NUMBER && v[i].flags & JSON_IS_BIG)
			return true;
	return false;
}

/* Of a value with a big integer in it the plan may say no where the schema says yes. */
static inline void plan_compare(struct plan_case *c, const struct json_node *v, uint32_t nodes)
{
	bool big = plan_has_big(v, nodes);

	if (big && !c->big)
		return;
	bool holds = schema_plan_holds(&c->plan, v, c->room), accepts = plan_accepts(c, v);
	if (holds && !accepts)
		c->broken = "the plan holds, the schema does not";
	if (!holds && accepts && !big)
		c->broken = "the schema holds, the plan does not";
}

/* One scalar after the other is another one, then all of them are the same one. */
static inline void plan_vary(struct plan_case *c, struct json_node *v, uint32_t nodes,
			     const struct json_node *scalars)
{
	struct json_node *all = malloc(nodes * sizeof(*all));

	JSON_EACH (scalar, scalars) {
		memcpy(all, v, nodes * sizeof(*all));
		for (uint32_t i = 0; i < nodes; i++) {
			if (v[i].type >= JSON_ARRAY || v[i].flags & JSON_IS_KEY ||
			    !plan_same_kind(&v[i], scalar))
				continue;
			struct json_node was = v[i];
			v[i] = all[i] = *scalar;
			plan_compare(c, v, nodes);
			v[i] = was;
		}
		plan_compare(c, all, nodes);
	}
	free(all);
}

static inline const char *plan_property(const struct schema *s, const struct json_node *value,
					struct schema_room *room)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct plan_case c = {.schema = s, .room = room};
	uint32_t nodes = (uint32_t)(json_next(value) - value);
	struct json_doc scalars;
	struct arena a;

	if (nodes > 1000 || !plan_accepts(&c, value))
		return NULL;
	arena_init(&a, 1 << 12, 1 << 16);
	limits.big_integers = true;
	if (json_read(slice_from_cstr(plan_scalars), &limits, &a, &scalars))
		return "the scalars are not JSON";
	struct json_node *copy = malloc(nodes * sizeof(*copy));
	memcpy(copy, value, nodes * sizeof(*copy));
	for (int big = 0; big < 2; big++) {
		c.big = big;
		if (!schema_plan_make(&c.plan, s, value, NULL, c.big))
			continue;
		plan_compare(&c, copy, nodes);
		plan_vary(&c, copy, nodes, scalars.root);
	}
	free(copy);
	arena_deinit(&a);
	return c.broken;
}
