/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which message is it, and does it fit the contract?
 *
 *   text --shapes_read--> one like it was let through: its rule, its plan
 *     '--json_read------> contract_named, or the first whose schema it satisfies
 *     '-----------------> text/plain, binary: what else the contract has for such a frame
 */
#include "policy/rules_turn.h"

/* --- reading */

/* As if it were the first of its kind. */
static __attribute__((noinline)) enum reason read_in_full(struct turn *t)
{
	struct json_limits limits = rules_json_limits(t->r->route, t->room);

	limits.utf8_checked = !t->m->binary;
	return json_read(t->m->text, &limits, &t->room->arena, &t->doc);
}

static enum reason read_json(struct turn *t)
{
	enum reason r = t->shape ? REASON_NONE : read_in_full(t);

	if (r == REASON_NONE) {
		turn_take_tape(t, t->doc.root, t->doc.nodes);
		return r;
	}
	return turn_found(t, turn_by_side(t, r, REASON_SERVER_SCHEMA),
			  json_fault_word(t->doc.fault));
}

/* A message of text/plain is one JSON string to its schema and its rule. What it was as JSON is
 * over: the tape lay in the arena. */
static enum reason read_text(struct turn *t)
{
	struct json_node *node;

	t->doc.root = NULL;
	t->shape = NULL;
	arena_reset(&t->room->arena);
	node = arena_calloc(&t->room->arena, 1, sizeof(*node));
	if (!node || t->m->text.len >= UINT32_MAX)
		return turn_no_memory(t);
	node->type = JSON_STRING;
	node->flags = JSON_IS_ESCAPED;
	node->data = t->m->text.len ? t->m->text.data : "";
	node->len = (uint32_t)t->m->text.len;
	turn_take_tape(t, node, 1);
	return REASON_NONE;
}

/* --- which message is it? */

static const struct conf_rule *rule_of(const struct turn *t, const struct contract_message *m)
{
	return &t->messages->rules[m - t->messages->contract->messages];
}

/* Where there is no schema nobody says `format: int64`. */
static enum reason gate_big(struct turn *t)
{
	for (const struct json_node *v = t->root;
	     t->messages->big_integers && v < t->root + t->nodes; v++)
		if (v->type == JSON_NUMBER && v->flags & JSON_IS_BIG)
			return turn_found_at(
				t, turn_by_side(t, REASON_JSON_NUMBER, REASON_SERVER_SCHEMA), v,
				"format");
	return REASON_NONE;
}

static enum reason schema_says(struct turn *t, const struct schema_failure *failure)
{
	enum reason reason = turn_by_side(t, REASON_SCHEMA, REASON_SERVER_SCHEMA);

	if (failure->big && t->client)
		reason = REASON_JSON_NUMBER;
	return turn_found_at(t, reason, failure->at, failure->keyword);
}

/* The schema's word, and then what becomes of members that it does not know. */
static enum reason gate_schema(struct turn *t, const struct contract_message *m)
{
	const struct json_node *const *keys = NULL;
	enum conf_undeclared undeclared = t->messages->undeclared;
	struct schema_failure failure = {0};
	uint32_t count = 0;
	bool holds;

	t->declared = false;
	if (!m->schema)
		return gate_big(t);
	if ((undeclared == CONF_UNDECLARED_ALLOW || schema_closed(m->schema)) &&
	    !t->messages->big_integers)
		holds = schema_validate(m->schema, t->root, t->room->schema, &failure);
	else
		holds = schema_validate_undeclared(m->schema, t->root, t->room->schema, &failure,
						   &keys, &count);
	if (!holds)
		return schema_says(t, &failure);
	t->declared = count == 0;
	if (count && undeclared == CONF_UNDECLARED_REFUSE)
		return schema_says(
			t, &(struct schema_failure){.at = keys[0], .keyword = "undeclared"});
	for (uint32_t i = 0; i < count && undeclared == CONF_UNDECLARED_STRIP; i++)
		if (json_edit_remove(&t->edits, keys[i]))
			return turn_no_memory(t);
	return REASON_NONE;
}

/* One of the same shape satisfied it, and so does this one. */
static inline bool satisfies_plan(const struct turn *t, const struct contract_message *m)
{
	return t->shape && t->shape->schema.schema == m->schema && t->root == t->doc.root &&
	       schema_plan_holds(&t->shape->schema, t->root, t->room->schema);
}

/* Message m's own gates before the others: all that depends on knowing that it is m. Its rule is
 * the turn's. */
static enum reason try_message(struct turn *t, const struct contract_message *m)
{
	enum reason r = t->rule->set_count && t->client ? rules_write_sets(t) : REASON_NONE;
	return r != REASON_NONE || satisfies_plan(t, m) ? r : gate_schema(t, m);
}

/* Nobody says which one it is: the first that it satisfies. */
static enum reason try_each(struct turn *t, enum contract_content content)
{
	const struct contract *c = t->messages->contract;
	const struct json_node *root = t->root;
	enum reason r = REASON_NONE;
	uint32_t nodes = t->nodes, tried = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct contract_message *m = &c->messages[i];
		if (m->from_client != t->client || m->content != content)
			continue;
		turn_take_tape(t, root, nodes);
		t->changed = false;
		t->rule = rule_of(t, m);
		tried++;
		r = try_message(t, m);
		if (r == REASON_NONE || r == REASON_OVERLOADED)
			return r;
	}
	if (tried == 1)
		return r;
	t->rule = NULL;
	t->j->finding = (struct finding){0};
	return turn_by_side(t, REASON_MESSAGE_UNKNOWN, REASON_SERVER_MESSAGE_UNKNOWN);
}

static enum reason recognise_json(struct turn *t)
{
	const struct contract *c = t->messages->contract;

	if (!c->discriminator[t->client ? 0 : 1].len)
		return try_each(t, CONTRACT_JSON);
	const struct contract_message *m = contract_named(c, t->client, t->root);
	if (!m)
		return turn_by_side(t, REASON_MESSAGE_UNKNOWN, REASON_SERVER_MESSAGE_UNKNOWN);
	t->named = m;
	/* The rule is known: what it counts is counted before anything dear is done. */
	t->rule = rule_of(t, m);
	if (!t->rule->written)
		return REASON_NONE;
	enum reason r = rules_gate_rate(t);
	return r != REASON_NONE ? r : try_message(t, m);
}

static enum reason recognise_binary(struct turn *t)
{
	const struct contract *c = t->messages->contract;

	t->root = NULL;
	for (size_t i = 0; i < c->count; i++) {
		if (c->messages[i].from_client == t->client &&
		    c->messages[i].content == CONTRACT_BINARY) {
			t->rule = rule_of(t, &c->messages[i]);
			return REASON_NONE;
		}
	}
	return turn_by_side(t, REASON_MESSAGE_UNKNOWN, REASON_SERVER_MESSAGE_UNKNOWN);
}

static enum reason recognise_text(struct turn *t)
{
	enum reason r = read_text(t);

	return r != REASON_NONE ? r : try_each(t, CONTRACT_TEXT);
}

static enum reason wrong_frame(struct turn *t)
{
	return turn_found(t, turn_by_side(t, REASON_WS_DATA_TYPE, REASON_SERVER_MESSAGE_UNKNOWN),
			  t->m->binary ? "binary frame" : "text frame");
}

static enum reason recognise_declared(struct turn *t, unsigned contents)
{
	bool json = (contents & RULES_JSON) && (!t->m->binary || t->messages->frames_any);
	unsigned otherwise = contents & (t->m->binary ? RULES_BINARY : RULES_TEXT);
	enum reason r = REASON_NONE;

	if (json) {
		r = read_json(t);
		if (r == REASON_NONE)
			r = recognise_json(t);
		if (r == REASON_NONE || r == REASON_OVERLOADED || !otherwise || t->rule)
			return r;
	}
	if (!otherwise)
		return wrong_frame(t);
	t->j->finding = (struct finding){0};
	return otherwise == RULES_BINARY ? recognise_binary(t) : recognise_text(t);
}

/* As one like it, which was let through: its name is part of the shape. */
static enum reason recognise_known(struct turn *t)
{
	t->rule = t->shape->rule;
	turn_take_tape(t, t->doc.root, t->doc.nodes);
	enum reason r = rules_gate_rate(t);
	return r != REASON_NONE ? r : try_message(t, t->shape->message);
}

enum reason rules_recognise(struct turn *t)
{
	unsigned contents = t->r->contents[t->client ? 0 : 1];
	enum reason r = REASON_NONE;

	if (t->shape && t->shape->message)
		return recognise_known(t);
	if (t->messages->contract) {
		r = recognise_declared(t, contents);
	} else {
		t->rule = t->messages->rule_count == 2 ? &t->messages->rules[t->client ? 0 : 1]
						       : NULL;
		if (contents & RULES_JSON)
			r = read_json(t);
	}
	if (r == REASON_NONE && (!t->rule || !t->rule->written))
		return turn_found(t, turn_by_side(t, REASON_RULE, REASON_SERVER_RULE), "no rule");
	/* Where the message was not named it is known only now. */
	if (r == REASON_NONE &&
	    (!t->messages->contract ||
	     !t->messages->contract->discriminator[t->client ? 0 : 1].len || !t->root))
		r = rules_gate_rate(t);
	return r;
}

/* --- what the next one like it is spared */

void rules_learn(struct turn *t)
{
	const struct contract *c = t->messages->contract;
	struct rules_memory *memory = turn_memory(t);
	struct shape_lesson lesson = {.doc = &t->doc};

	if (!memory || t->m->binary)
		return;
	lesson.limits = &memory->limits;
	if (!c)
		lesson.rule = t->rule;
	if (t->named) {
		const struct contract_lookup *lookup = &c->lookup[t->client ? 0 : 1];
		const struct json_node *says = json_member_named(t->doc.root, &lookup->property);
		if (json_type(says) < JSON_ARRAY) {
			lesson.fixed = says;
			lesson.message = t->named;
			lesson.rule = t->rule;
		}
	}
	if (c && t->declared && t->root == t->doc.root)
		lesson.schema = c->messages[t->rule - t->messages->rules].schema;
	shapes_learn(turn_shapes(t, memory), &t->room->shapes_budget, &lesson);
}
