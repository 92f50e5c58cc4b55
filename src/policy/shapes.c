/* SPDX-License-Identifier: Apache-2.0 */
/* See shapes.h. */
#include "policy/shapes.h"

#include <stdlib.h>

/* ---- reading */

const struct shape *shapes_read_another(struct shapes *s, struct slice text, struct json_doc *doc)
{
	for (uint8_t i = 0; i < s->count; i++) {
		if (i != s->last && shape_reads(s->known[i], text, doc)) {
			s->last = i;
			return s->known[i];
		}
	}
	return NULL;
}

/* ---- learning */

static bool has_room(const struct shapes *s, const struct shapes_budget *budget)
{
	return s->count < SHAPES_EACH && budget->used < SHAPES_MAX;
}

/* Where the next one may go. Each time somebody asks, the shape whose turn it is loses half of how
 * often it was met; only one that was not met for long has to go. NULL: none has. */
static struct shape **find_place(struct shapes *s, const struct shapes_budget *budget)
{
	if (has_room(s, budget))
		return &s->known[s->count];
	if (!s->count)
		return NULL;
	s->next = (uint8_t)((s->next + 1) % s->count);
	struct shape *oldest = s->known[s->next];
	oldest->met /= 2;
	return oldest->met ? NULL : &s->known[s->next];
}

/* Where there is no room any more, not each one that is unknown is worth the time. */
static bool is_worth_it(struct shapes *s, const struct shapes_budget *budget,
			const struct shape_lesson *l)
{
	return l->doc->nodes <= JSON_SHAPE_NODES &&
	       (has_room(s, budget) || s->unknown++ % SHAPES_LEARN_EVERY == 0);
}

static bool learn(struct shape *shape, const struct shape_lesson *l)
{
	if (!json_shape_learn(&shape->json, l->doc, l->limits, l->fixed))
		return false;
	shape->message = l->message;
	shape->rule = l->rule;
	shape->schema.schema = NULL;
	shape->ask.made = false;
	shape->met = 1;
	if (l->rule)
		(void)rule_plan_make(&shape->ask, l->rule, l->doc->root);
	if (l->schema)
		(void)schema_plan_make(&shape->schema, l->schema, l->doc->root, l->fixed,
				       l->limits->big_integers);
	return true;
}

/* It is tried on before anybody has to go for it. */
void shapes_learn(struct shapes *s, struct shapes_budget *budget, const struct shape_lesson *l)
{
	if (!is_worth_it(s, budget, l))
		return;
	if (!budget->spare)
		budget->spare = malloc(sizeof(*budget->spare));
	if (!budget->spare || !learn(budget->spare, l))
		return;
	struct shape **place = find_place(s, budget);
	if (!place)
		return;
	struct shape *shape = budget->spare;
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
