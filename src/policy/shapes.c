/* SPDX-License-Identifier: Apache-2.0 */
/* See shapes.h. */
#include "policy/shapes.h"

#include <stdlib.h>

/* ---- reading */

static const struct shape *try_read(struct shapes *s, uint8_t i, struct slice text,
				    const struct json_limits *limits, struct json_doc *doc)
{
	struct shape *shape = s->known[i];

	if (!json_shape_read(&shape->json, text, limits, doc))
		return NULL;
	if (shape->met < UINT8_MAX)
		shape->met++;
	s->last = i;
	return shape;
}

/* What came last mostly comes again. */
const struct shape *shapes_read(struct shapes *s, struct slice text,
				const struct json_limits *limits, struct json_doc *doc)
{
	uint8_t last = s->last;

	if (!s->count)
		return NULL;
	const struct shape *found = try_read(s, last, text, limits, doc);
	for (uint8_t i = 0; !found && i < s->count; i++)
		if (i != last)
			found = try_read(s, i, text, limits, doc);
	return found;
}

/* ---- learning */

/* Where the next one may go. Each time somebody asks, the shape whose turn it is loses half of how
 * often it was met; only one that was not met for long has to go. NULL: none has. */
static struct shape **find_place(struct shapes *s, const struct shapes_budget *budget)
{
	if (s->count < SHAPES_EACH && budget->used < SHAPES_MAX)
		return &s->known[s->count];
	if (!s->count)
		return NULL;
	s->next = (uint8_t)((s->next + 1) % s->count);
	struct shape *oldest = s->known[s->next];
	oldest->met /= 2;
	return oldest->met ? NULL : &s->known[s->next];
}

void shapes_learn(struct shapes *s, struct shapes_budget *budget, const struct json_doc *doc,
		  const struct json_limits *limits, const struct contract_message *message,
		  const struct conf_rule *rule, const struct json_node *fixed,
		  const struct schema *schema)
{
	if (doc->nodes > JSON_SHAPE_NODES ||
	    (s->count == SHAPES_EACH && s->unknown++ % SHAPES_LEARN_EVERY))
		return;
	if (!budget->spare)
		budget->spare = malloc(sizeof(*budget->spare));
	struct shape *shape = budget->spare;
	if (!shape || !json_shape_learn(&shape->json, doc, limits, fixed))
		return;
	struct shape **place = find_place(s, budget);
	if (!place)
		return;
	shape->message = message;
	shape->rule = rule;
	shape->plan.schema = NULL;
	if (schema)
		(void)schema_plan_make(&shape->plan, schema, doc->root, fixed,
				       limits->big_integers);
	shape->met = 1;
	budget->spare = *place;
	*place = shape;
	s->last = (uint8_t)(place - s->known);
	if (s->last == s->count) {
		s->count++;
		budget->used++;
	}
}

void shapes_deinit(struct shapes *s, struct shapes_budget *budget)
{
	for (uint8_t i = 0; i < s->count; i++)
		free(s->known[i]);
	budget->used -= s->count;
	*s = (struct shapes){0};
}
