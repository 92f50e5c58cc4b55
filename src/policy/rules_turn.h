/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One message on its way through the gates: what rules_recognise.c (which message is it, and does
 * it fit the contract) and rules_judge.c (all that is asked then) share. Private to them.
 *
 * Each gate looks at the turn and says a reason; the first that is not REASON_NONE ends the way.
 * What a gate changes is in `edits`, laid over the tape, and written out at the end.
 */
#include "json/pointer.h"
#include "policy/rules_priv.h"

struct turn {
	struct rules *r;
	struct rules_room *room;
	const struct rules_message *m;
	const struct conf_messages *messages;
	bool client;
	struct json_doc doc;                  /* what came; root NULL: it was not read as JSON */
	const struct shape *shape;            /* by which that was read; NULL: in full */
	const struct contract_message *named; /* by the discriminator; or NULL */
	bool declared;                        /* the schema declares all its members */
	const struct json_node *root;         /* NULL: binary, or nobody looks inside */
	uint32_t nodes;
	struct json_edits edits;
	bool changed; /* root is not what came any more */
	const struct conf_rule *rule;
	bool runs; /* rules_run let it go */
	bool waits;
	struct judgement *j; /* its finding grows on the way */
};

/* Reasons, and where in the message. */

static inline enum reason turn_found_at(struct turn *t, enum reason reason,
					const struct json_node *at, const char *detail)
{
	struct finding *f = &t->j->finding;

	f->detail = detail;
	if (at && t->root) {
		f->pointer = json_pointer_to(t->root, at, t->room->pointer, RULES_POINTER_BYTES);
		f->has_pointer = true;
	}
	return reason;
}

static inline enum reason turn_found(struct turn *t, enum reason reason, const char *detail)
{
	return turn_found_at(t, reason, NULL, detail);
}

static inline enum reason turn_no_memory(struct turn *t)
{
	return turn_found(t, REASON_OVERLOADED, "memory");
}

static inline enum reason turn_by_side(const struct turn *t, enum reason client, enum reason server)
{
	return t->client ? client : server;
}

static inline void turn_take_tape(struct turn *t, const struct json_node *root, uint32_t nodes)
{
	t->root = root;
	t->nodes = nodes;
	json_edits_init(&t->edits, root, nodes, &t->room->arena);
}

/* What is kept of the route; NULL: nothing. */
static inline struct rules_memory *turn_memory(const struct turn *t)
{
	const struct rules_room *room = t->room;
	size_t index = t->r->route->index;

	if (index >= room->route_count || t->r->route != &room->routes[index])
		return NULL;
	return &room->memories[index];
}

static inline struct shapes *turn_shapes(const struct turn *t, struct rules_memory *memory)
{
	return t->client ? &memory->client : &memory->server;
}

/* --- rules_recognise.c */

/* Reads the message, unless it has a shape and was read by that; finds its rule and holds it
 * against its schema, with the gates that belong to knowing which one it is: `rate`, `set`,
 * undeclared members. */
enum reason rules_recognise(struct turn *t);

/* The message was let through after rules_recognise had read it in full: the next that looks like
 * it takes less time. */
void rules_learn(struct turn *t);

/* --- rules_judge.c */

enum reason rules_gate_rate(struct turn *t);

/* Each `set` sees the message as the one before it left it. */
enum reason rules_write_sets(struct turn *t);
