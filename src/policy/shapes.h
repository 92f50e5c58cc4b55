/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What messages looked like before: the shapes of those that were let through, on one route in
 * one direction, with what their schema still has to be asked about the next ones.
 *
 *   message --shapes_read--> tape, which message, plan   (most messages of most applications)
 *      |                        '- and its scalars satisfy the plan: it fits the contract
 *      '--json_read, ... and was let through --shapes_learn--> one shape more
 *
 * It only ever says yes, and only to what the whole way would have said yes to. Names and brackets
 * are kept, no values but that of the discriminator. Bounded; a shape that is met often is not
 * displaced by a peer who sends others all the time.
 */
#include "conf/snapshot.h"
#include "contract/asyncapi.h"
#include "contract/schema_plan.h"
#include "json/shape.h"
#include "policy/rule_plan.h"

enum {
	SHAPES_EACH = 8,         /* on a route in one direction */
	SHAPES_MAX = 1024,       /* of one thread */
	SHAPES_LEARN_EVERY = 16, /* texts of no known shape, where there is no room for more */
};

/* A shape and what is known of the messages that have it. */
struct shape {
	struct json_shape json;
	const struct contract_message *message; /* that the discriminator names; or NULL */
	const struct conf_rule *rule;           /* of all that have the shape, written; or NULL */
	struct schema_plan schema;
	struct rule_plan ask;
	uint8_t met; /* how often lately */
};

/* Of one route and direction. The value zero knows none. */
struct shapes {
	struct shape *known[SHAPES_EACH];
	uint8_t count, last, next; /* met last; to be displaced next */
	uint8_t unknown;           /* texts of no known shape, modulo 256 */
};

/* How many a thread may have in all, and one to try on. */
struct shapes_budget {
	uint32_t used;
	struct shape *spare;
};

/* The shape by which the text was read into *doc, or NULL: then json_read has to. */
static inline const struct shape *shapes_read(struct shapes *s, struct slice text,
					      struct json_doc *doc);

/* What is to be learned from a message that was let through. */
struct shape_lesson {
	const struct json_doc *doc;       /* as json_read has read it ... */
	const struct json_limits *limits; /* ... under these */
	/* If a discriminator named it: its value there, and the message; else NULL. */
	const struct json_node *fixed;
	const struct contract_message *message;
	const struct conf_rule *rule; /* of all that have the shape; or NULL */
	const struct schema *schema; /* that it satisfies with all its members declared; or NULL */
};

/* Remembers it. Nothing is remembered where there is no room. */
void shapes_learn(struct shapes *s, struct shapes_budget *budget, const struct shape_lesson *l);

/* Forgets them. */
void shapes_deinit(struct shapes *s, struct shapes_budget *budget);

/* --- private */

static inline bool shape_reads(struct shape *shape, struct slice text, struct json_doc *doc)
{
	if (!json_shape_read(&shape->json, text, doc))
		return false;
	if (shape->met < UINT8_MAX)
		shape->met++;
	return true;
}

/* Any but the last. */
const struct shape *shapes_read_another(struct shapes *s, struct slice text, struct json_doc *doc);

/* What came last mostly comes again. */
static inline const struct shape *shapes_read(struct shapes *s, struct slice text,
					      struct json_doc *doc)
{
	struct shape *last = s->known[s->last];

	if (last && shape_reads(last, text, doc))
		return last;
	return s->count ? shapes_read_another(s, text, doc) : NULL;
}
