/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates that a message passes; the drawing is in rules.h.
 *
 *   struct turn: one message on its way. Each gate looks at it and says a reason; the first
 *   that is not REASON_NONE ends the way. What a gate changes is in turn.edits, laid over
 *   the tape, and written out at the end.
 */
#include <string.h>

#include "base/obj.h"
#include "json/pointer.h"
#include "policy/detect.h"
#include "policy/markup.h"
#include "policy/place.h"
#include "policy/redact.h"
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

/* --- findings */

static enum reason found_at(struct turn *t, enum reason reason, const struct json_node *at,
			    const char *detail)
{
	struct finding *f = &t->j->finding;

	f->detail = detail;
	if (at && t->root) {
		f->pointer = json_pointer_to(t->root, at, t->room->pointer, RULES_POINTER_BYTES);
		f->has_pointer = true;
	}
	return reason;
}

static enum reason found(struct turn *t, enum reason reason, const char *detail)
{
	return found_at(t, reason, NULL, detail);
}

static enum reason no_memory(struct turn *t)
{
	return found(t, REASON_OVERLOADED, "memory");
}

static enum reason by_side(const struct turn *t, enum reason client, enum reason server)
{
	return t->client ? client : server;
}

static void take_tape(struct turn *t, const struct json_node *root, uint32_t nodes)
{
	t->root = root;
	t->nodes = nodes;
	json_edits_init(&t->edits, root, nodes, &t->room->arena);
}

/* --- reading */

/* What is kept of the route; NULL: nothing. */
static inline struct rules_memory *memory_of(const struct turn *t)
{
	const struct rules_room *room = t->room;
	size_t index = t->r->route->index;

	if (index >= room->route_count || t->r->route != &room->routes[index])
		return NULL;
	return &room->memories[index];
}

static inline struct shapes *shapes_of(const struct turn *t, struct rules_memory *memory)
{
	return t->client ? &memory->client : &memory->server;
}

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
		take_tape(t, t->doc.root, t->doc.nodes);
		return r;
	}
	return found(t, by_side(t, r, REASON_SERVER_SCHEMA), json_fault_word(t->doc.fault));
}

/* The same by the shape of an earlier one, if it has that of one. */
static inline void read_by_shape(struct turn *t)
{
	struct rules_memory *memory = memory_of(t);

	if (memory && !t->m->binary)
		t->shape = shapes_read(shapes_of(t, memory), t->m->text, &memory->limits, &t->doc);
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
		return no_memory(t);
	node->type = JSON_STRING;
	node->flags = JSON_IS_ESCAPED;
	node->data = t->m->text.len ? t->m->text.data : "";
	node->len = (uint32_t)t->m->text.len;
	take_tape(t, node, 1);
	return REASON_NONE;
}

/* The message was let through: the next that looks like it takes less time. */
static __attribute__((noinline)) void learn_shape(struct turn *t)
{
	const struct conf_messages *messages = t->messages;
	const struct contract *c = messages->contract;
	struct rules_memory *memory = memory_of(t);
	const struct json_node *says = NULL;
	const struct schema *schema = NULL;

	if (!memory || t->m->binary)
		return;
	if (t->named)
		says = json_member_named(t->doc.root, &c->lookup[t->client ? 0 : 1].property);
	if (json_type(says) >= JSON_ARRAY)
		says = NULL;
	if (c && t->declared && t->root == t->doc.root)
		schema = c->messages[t->rule - messages->rules].schema;
	shapes_learn(shapes_of(t, memory), &t->room->shapes_budget, &t->doc, &memory->limits,
		     says ? t->named : NULL, says ? t->rule : NULL, says, schema);
}

/* --- which message is it? */

static enum reason gate_rate(struct turn *t);
static enum reason write_sets(struct turn *t);

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
			return found_at(t, by_side(t, REASON_JSON_NUMBER, REASON_SERVER_SCHEMA), v,
					"format");
	return REASON_NONE;
}

static enum reason schema_says(struct turn *t, const struct schema_failure *failure)
{
	enum reason reason = by_side(t, REASON_SCHEMA, REASON_SERVER_SCHEMA);

	if (failure->big && t->client)
		reason = REASON_JSON_NUMBER;
	return found_at(t, reason, failure->at, failure->keyword);
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
			return no_memory(t);
	return REASON_NONE;
}

/* One of the same shape satisfied it, and so does this one. */
static inline bool satisfies_plan(const struct turn *t, const struct contract_message *m)
{
	return t->shape && t->shape->plan.schema == m->schema && t->root == t->doc.root &&
	       schema_plan_holds(&t->shape->plan, t->root, t->room->schema);
}

/* Message m's own gates before the others: all that depends on knowing that it is m. Its rule is
 * the turn's. */
static enum reason try_message(struct turn *t, const struct contract_message *m)
{
	enum reason r = t->rule->set_count && t->client ? write_sets(t) : REASON_NONE;
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
		take_tape(t, root, nodes);
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
	return by_side(t, REASON_MESSAGE_UNKNOWN, REASON_SERVER_MESSAGE_UNKNOWN);
}

static enum reason recognise_json(struct turn *t)
{
	const struct contract *c = t->messages->contract;

	if (!c->discriminator[t->client ? 0 : 1].len)
		return try_each(t, CONTRACT_JSON);
	const struct contract_message *m = contract_named(c, t->client, t->root);
	if (!m)
		return by_side(t, REASON_MESSAGE_UNKNOWN, REASON_SERVER_MESSAGE_UNKNOWN);
	t->named = m;
	/* The rule is known: what it counts is counted before anything dear is done. */
	t->rule = rule_of(t, m);
	if (!t->rule->written)
		return REASON_NONE;
	enum reason r = gate_rate(t);
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
	return by_side(t, REASON_MESSAGE_UNKNOWN, REASON_SERVER_MESSAGE_UNKNOWN);
}

static enum reason recognise_text(struct turn *t)
{
	enum reason r = read_text(t);

	return r != REASON_NONE ? r : try_each(t, CONTRACT_TEXT);
}

static enum reason wrong_frame(struct turn *t)
{
	return found(t, by_side(t, REASON_WS_DATA_TYPE, REASON_SERVER_MESSAGE_UNKNOWN),
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
	take_tape(t, t->doc.root, t->doc.nodes);
	enum reason r = gate_rate(t);
	return r != REASON_NONE ? r : try_message(t, t->shape->message);
}

static enum reason recognise(struct turn *t)
{
	unsigned contents = t->r->contents[t->client ? 0 : 1];
	enum reason r = REASON_NONE;

	read_by_shape(t);
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
		return found(t, by_side(t, REASON_RULE, REASON_SERVER_RULE), "no rule");
	/* Where the message was not named it is known only now. */
	if (r == REASON_NONE &&
	    (!t->messages->contract ||
	     !t->messages->contract->discriminator[t->client ? 0 : 1].len || !t->root))
		r = gate_rate(t);
	return r;
}

/* --- set */

static struct json_node *new_string(struct arena *a, struct slice text)
{
	struct json_node *node = arena_calloc(a, 1, sizeof(*node));

	if (node) {
		node->type = JSON_STRING;
		node->flags = JSON_IS_ESCAPED;
		node->data = text.data ? text.data : "";
		node->len = (uint32_t)text.len;
	}
	return node;
}

/* The value as a tape of its own; NULL for what JSON cannot say, or without memory. */
static const struct json_node *to_json(struct turn *t, const struct cel_value *v)
{
	static const struct json_limits limits = {.depth = JSON_DEPTH_MAX,
						  .members = 1 << 20,
						  .values = 1 << 20,
						  .big_integers = true};
	struct json_doc doc;
	struct buf *text = &t->room->text;

	if (v->kind == CEL_STRING)
		return v->as.text.len < UINT32_MAX ? new_string(&t->room->arena, v->as.text) : NULL;
	if ((v->kind == CEL_MAP || v->kind == CEL_LIST) && (v->flags & CEL_FROM_JSON))
		return v->as.json;
	buf_clear(text);
	if (cel_write_json(v, text))
		return NULL;
	struct slice copy = arena_copy(&t->room->arena, buf_slice(text));
	if (!copy.data || json_read(copy, &limits, &t->room->arena, &doc) != REASON_NONE)
		return NULL;
	return doc.root;
}

/* {"b": {"c": value}} for the steps b, c: what is missing on the way to the member. */
static const struct json_node *wrap(struct turn *t, const struct conf_field *f, size_t from,
				    const struct json_node *value)
{
	size_t levels = f->count - from, inside = (size_t)(json_next(value) - value);
	struct json_node *tape = arena_calloc(&t->room->arena, levels * 2 + inside, sizeof(*tape));

	if (!tape)
		return NULL;
	for (size_t i = 0; i < levels; i++) {
		struct json_node *object = &tape[i * 2], *key = object + 1;
		struct slice name = f->steps[from + i].name.text;
		object->type = JSON_OBJECT;
		object->len = 1;
		object->as.nest.span = (uint32_t)((levels - i) * 2 + inside);
		key->type = JSON_STRING;
		key->flags = JSON_IS_KEY | JSON_IS_ESCAPED;
		key->data = name.data;
		key->len = (uint32_t)name.len;
		key->as.string.hash = f->steps[from + i].name.hash;
	}
	memcpy(&tape[levels * 2], value, inside * sizeof(*tape));
	return tape;
}

static enum reason write_set(struct turn *t, const struct conf_set *set)
{
	const struct conf_field *f = &set->field;
	const struct json_node *object = t->root;
	struct cel_error error;
	struct cel_value v;
	size_t at = 0;

	if (cel_eval(set->program, t->room->view.slots, CONF_VARIABLES, &t->room->arena, &v,
		     &error))
		return found(t, REASON_RULE, "set");
	const struct json_node *value = to_json(t, &v);
	for (; value && at + 1 < f->count; at++) {
		const struct json_node *inner = json_member_named(object, &f->steps[at].name);
		if (!inner)
			break;
		object = inner;
	}
	if (!value || !f->count)
		return found(t, REASON_RULE, "set");
	if (json_type(object) != JSON_OBJECT)
		return found_at(t, REASON_SCHEMA, object, "set");
	if (at + 1 < f->count)
		value = wrap(t, f, at + 1, value);
	if (!value || json_edit_set(&t->edits, object, f->steps[at].name.text, value))
		return no_memory(t);
	return REASON_NONE;
}

/* To an expression, with the time at which it is asked. */
static void show_message(struct turn *t)
{
	struct cel_value *slots = t->room->view.slots;

	context_show(&t->r->context, t->m->now_us, t->m->now_unix_ms, &t->room->view);
	slots[CONF_VAR_LAST] = cel_map(t->r->last, t->r->last_count);
	if (t->root)
		slots[CONF_VAR_MESSAGE] = cel_from_json(t->root);
}

/* Each `set` sees the message as the one before it left it. */
static __attribute__((noinline)) enum reason write_sets(struct turn *t)
{
	for (size_t i = 0; i < t->rule->set_count; i++) {
		show_message(t);
		enum reason r = write_set(t, &t->rule->sets[i]);
		if (r != REASON_NONE)
			return r;
		uint32_t nodes;
		const struct json_node *root = json_edits_apply(&t->edits, &t->room->arena, &nodes);
		if (!root)
			return no_memory(t);
		take_tape(t, root, nodes);
		t->changed = true;
	}
	return REASON_NONE;
}

/* --- the gates of a message that is known */

static enum reason gate_rate(struct turn *t)
{
	const struct conf_rule *rule = t->rule;

	if (!rule->has_rate)
		return REASON_NONE;
	uint64_t key = rules_key(t->r, QUOTA_RATE, rule->rate_per, rule);
	return quota_take(t->r->quota, key, &rule->rate, t->m->now_us, 1)
		       ? REASON_NONE
		       : found(t, REASON_MESSAGE_RATE, "rate");
}

static enum reason gate_allow(struct turn *t)
{
	const struct conf_condition *allow = &t->rule->allow;
	struct cel_error error;

	if (allow->always)
		return REASON_NONE;
	show_message(t);
	if (allow->program &&
	    cel_surely_true(allow->program, t->room->view.slots, CONF_VARIABLES))
		return REASON_NONE;
	struct cel_value v = {0};
	bool ran = allow->program && !cel_eval(allow->program, t->room->view.slots, CONF_VARIABLES,
					       &t->room->arena, &v, &error);
	if (ran && v.kind == CEL_BOOL && v.as.truth)
		return REASON_NONE;
	return found(t, by_side(t, REASON_RULE, REASON_SERVER_RULE),
		     ran ? "allow" : "allow has no value for this message");
}

static enum reason gate_after(struct turn *t)
{
	return rules_in_turn(t->r, t->rule, t->m->now_us) ? REASON_NONE
							  : found(t, REASON_OUT_OF_TURN, "after");
}

static enum reason ask_unique(struct turn *t, bool take)
{
	const struct conf_unique *unique = &t->rule->unique;

	if (!unique->on)
		return REASON_NONE;
	const struct json_node *value = t->root ? place_one(&unique->by, t->root) : NULL;
	if (!value)
		return found(t, REASON_REPLAY, "no value that could be unique");
	switch (quota_unique(t->r->quota, rules_key(t->r, QUOTA_UNIQUE, unique->per, t->rule),
			     json_hash(value, quota_secret(t->r->quota)), t->m->now_us,
			     unique->within_ms, take)) {
	case QUOTA_SEEN_NEW:
		return REASON_NONE;
	case QUOTA_SEEN_AGAIN:
		return found_at(t, REASON_REPLAY, value, "unique");
	case QUOTA_SEEN_FULL:
	default:
		return found(t, REASON_BUSY, "no room to remember what came");
	}
}

static enum reason gate_unique(struct turn *t)
{
	return ask_unique(t, false);
}

/* Asked for good only when nothing else can refuse the message any more. */
static enum reason take_unique(struct turn *t)
{
	return ask_unique(t, true);
}

static enum reason gate_cost(struct turn *t)
{
	const struct conf_route_limits *limits = &t->r->route->limits;

	if (!t->rule->cost)
		return REASON_NONE;
	uint64_t key = rules_key(t->r, QUOTA_COST, CONF_PER_IDENTITY, NULL);
	return quota_take(t->r->quota, key, &limits->cost, t->m->now_us, t->rule->cost)
		       ? REASON_NONE
		       : found(t, REASON_COST_EXCEEDED, "cost");
}

static enum reason gate_running(struct turn *t)
{
	if (!t->rule->running.on)
		return REASON_NONE;
	enum rules_run run = rules_run(t->r, t->rule, t->m->now_us);
	t->runs = run == RULES_RUNS;
	/* Who only observes holds nothing back. */
	t->waits = run == RULES_WAITS && !t->r->route->observe && !t->rule->observe;
	return run == RULES_BUSY ? found(t, REASON_BUSY, "running") : REASON_NONE;
}

struct treat {
	struct turn *t;
	unsigned kinds;
	enum markup_mode mode;
	enum reason reason;
};

static bool escape_string(void *with, const struct json_node *v)
{
	struct treat *s = with;
	struct slice text = json_edited_string(&s->t->edits, v), out;

	s->reason = markup_apply(s->mode, text, &s->t->room->arena, &out);
	if (s->reason != REASON_NONE) {
		found_at(s->t, s->reason, v, "text");
		return false;
	}
	if (out.data != text.data && json_edit_string(&s->t->edits, v, out))
		s->reason = no_memory(s->t);
	return s->reason == REASON_NONE;
}

static enum reason gate_text(struct turn *t)
{
	for (size_t i = 0; i < t->rule->text_count; i++) {
		struct treat s = {.t = t, .mode = t->rule->texts[i].mode};
		if (!place_each_string(&t->rule->texts[i].field, t->root, escape_string, &s))
			return s.reason == REASON_MARKUP
				       ? by_side(t, REASON_MARKUP, REASON_SERVER_RULE)
				       : s.reason;
	}
	return REASON_NONE;
}

static bool detect_string(void *with, const struct json_node *v)
{
	struct treat *s = with;

	if (!detect_find(s->kinds, json_string(v), &s->t->room->arena))
		return true;
	s->reason = found_at(s->t, REASON_INJECTION, v, "detect");
	return false;
}

/* Without a field also the names of members are looked at: they are strings too. */
static enum reason gate_detect(struct turn *t)
{
	for (size_t i = 0; i < t->rule->detect_count; i++) {
		const struct conf_kinds *d = &t->rule->detects[i];
		struct treat s = {.t = t, .kinds = d->kinds};
		if (d->field.count) {
			if (!place_each_string(&d->field, t->root, detect_string, &s))
				return s.reason;
			continue;
		}
		for (const struct json_node *v = t->root; v < t->root + t->nodes; v++)
			if (v->type == JSON_STRING && !detect_string(&s, v))
				return s.reason;
	}
	return REASON_NONE;
}

static bool drop_value(void *with, const struct json_node *v)
{
	struct treat *s = with;

	if (v == s->t->root)
		return true;
	if (json_edit_remove(&s->t->edits, v))
		s->reason = no_memory(s->t);
	return s->reason == REASON_NONE;
}

static enum reason gate_drop(struct turn *t)
{
	for (size_t i = 0; i < t->rule->drops.count; i++) {
		struct treat s = {.t = t};
		if (!place_each(&t->rule->drops.items[i], t->root, drop_value, &s))
			return s.reason;
	}
	return REASON_NONE;
}

static bool redact_string(void *with, const struct json_node *v)
{
	struct treat *s = with;
	struct slice text = json_edited_string(&s->t->edits, v), out;
	unsigned kinds;

	if (!redact_apply(s->kinds, text, &s->t->room->arena, &out, &kinds) ||
	    (out.data != text.data && json_edit_string(&s->t->edits, v, out)))
		s->reason = no_memory(s->t);
	return s->reason == REASON_NONE;
}

static enum reason gate_redact(struct turn *t)
{
	for (size_t i = 0; i < t->rule->redact_count; i++) {
		struct treat s = {.t = t, .kinds = t->rule->redacts[i].kinds};
		if (!place_each_string(&t->rule->redacts[i].field, t->root, redact_string, &s))
			return s.reason;
	}
	return REASON_NONE;
}

/* What is remembered is what the client gets to see. */
static enum reason gate_remember(struct turn *t)
{
	const struct json_node *seen = t->root;
	uint32_t nodes;

	if (t->rule->remember && t->edits.count)
		seen = json_edits_apply(&t->edits, &t->room->arena, &nodes);
	if (!rules_remember(t->r, t->rule, seen, t->m->now_us, t->m->now_unix_ms))
		return found(t, REASON_SERVER_RULE, "remember");
	return REASON_NONE;
}

/* --- the way of a message */

/* Gates that most rules do not have are not called. */
static enum reason pass_known(struct turn *t)
{
	const struct conf_rule *rule = t->rule;
	enum reason r = gate_allow(t);

	if (r == REASON_NONE && (rule->never || rule->after_count))
		r = gate_after(t);
	if (r == REASON_NONE && rule->unique.on)
		r = gate_unique(t);
	if (r == REASON_NONE && rule->cost)
		r = gate_cost(t);
	if (r == REASON_NONE && rule->running.on)
		r = gate_running(t);
	return r;
}

static enum reason pass_inside_client(struct turn *t)
{
	enum reason r = t->rule->text_count ? gate_text(t) : REASON_NONE;

	if (r == REASON_NONE && t->rule->detect_count)
		r = gate_detect(t);
	return r;
}

static enum reason pass_inside_server(struct turn *t)
{
	const struct conf_rule *rule = t->rule;
	enum reason r = rule->drops.count ? gate_drop(t) : REASON_NONE;

	if (r == REASON_NONE && rule->redact_count)
		r = gate_redact(t);
	if (r == REASON_NONE && rule->text_count)
		r = gate_text(t);
	return r;
}

/* Field by field: clearing the whole would take longer than some of the gates. */
static inline void begin(struct turn *t, struct rules *r, struct rules_room *room,
			 const struct rules_message *m, bool client, struct judgement *j)
{
	arena_reset(&room->arena);
	t->r = r;
	t->room = room;
	t->m = m;
	t->messages = &r->route->messages;
	t->client = client;
	t->doc.root = NULL;
	t->shape = NULL;
	t->named = NULL;
	t->declared = false;
	t->root = NULL;
	t->nodes = 0;
	t->edits.count = 0;
	t->changed = t->runs = t->waits = false;
	t->rule = NULL;
	t->j = j;
	j->reason = REASON_INTERNAL;
	j->rule = NULL;
	j->rewritten = j->waits = j->asks = j->binary = false;
	j->text = slice_of(NULL, 0);
	j->finding.message = j->finding.pointer = slice_of(NULL, 0);
	j->finding.line = 0;
	j->finding.has_pointer = false;
	j->finding.detail = NULL;
}

/* The text to forward, if it is another than the one that came. */
static enum reason write_out(struct turn *t, struct judgement *j)
{
	if (!t->changed && !t->edits.count)
		return REASON_NONE;
	buf_clear(&t->room->text);
	if (t->root->type == JSON_STRING && t->root->flags & JSON_IS_ESCAPED && t->nodes == 1 &&
	    t->root->data == t->m->text.data) {
		/* text/plain: the string itself */
		j->text = json_edited_string(&t->edits, t->root);
	} else if (json_write(t->root, &t->edits, &t->room->text)) {
		return no_memory(t);
	} else {
		j->text = buf_slice(&t->room->text);
	}
	j->rewritten = true;
	return REASON_NONE;
}

static inline void end(struct turn *t, struct judgement *j, enum reason reason)
{
	j->reason = reason;
	j->rule = t->rule;
	if (t->rule) {
		j->finding.message = t->rule->id;
		j->finding.line = t->rule->line;
	}
	if (reason != REASON_NONE)
		j->rewritten = false;
}

/* Other nodes count it, too. Who only observes holds nothing back, and so asks nobody. */
static enum reason ask_nodes(struct turn *t, struct rules_asked *asked)
{
	const struct conf_unique *unique = &t->rule->unique;
	const struct json_node *value =
		unique->on && t->root ? place_one(&unique->by, t->root) : NULL;

	if (t->r->route->observe || t->rule->observe)
		return REASON_NONE;
	return rules_ask(t->r, t->rule, value, asked)
		       ? REASON_NONE
		       : found(t, REASON_INTERNAL, "no hash for the store");
}

/* It has to wait for others of its kind, or for the store. */
static enum reason wait_turn(struct turn *t, struct judgement *j, const struct rules_asked *asked)
{
	struct slice text = j->rewritten ? j->text : t->m->text;

	if (!t->waits && !asked->count)
		return REASON_NONE;
	if (!rules_wait(t->r, t->rule, text, t->m->binary, asked, t->waits))
		return found(t, REASON_BUSY, "no room to wait");
	j->waits = t->waits;
	j->asks = !t->waits;
	return REASON_NONE;
}

/* What is counted for good, and what the message waits for: only when nothing else can refuse it
 * any more. */
static enum reason settle_alone(struct turn *t, struct judgement *j)
{
	static const struct rules_asked nobody = {.count = 0};
	enum reason reason = t->rule->unique.on ? take_unique(t) : REASON_NONE;

	if (reason == REASON_NONE && t->root)
		reason = write_out(t, j);
	return reason == REASON_NONE && t->waits ? wait_turn(t, j, &nobody) : reason;
}

static enum reason settle_with_nodes(struct turn *t, struct judgement *j)
{
	struct rules_asked asked = {.count = 0};
	enum reason reason = ask_nodes(t, &asked);

	if (reason == REASON_NONE && !asked.count)
		reason = take_unique(t);
	if (reason == REASON_NONE && t->root)
		reason = write_out(t, j);
	return reason == REASON_NONE ? wait_turn(t, j, &asked) : reason;
}

void rules_judge_client(struct rules *r, struct rules_room *room, const struct rules_message *m,
			struct judgement *j)
{
	struct turn t;

	begin(&t, r, room, m, true, j);
	enum reason reason = recognise(&t);
	if (reason == REASON_NONE)
		reason = pass_known(&t);
	if (reason == REASON_NONE && t.root)
		reason = pass_inside_client(&t);
	if (reason == REASON_NONE)
		reason = quota_is_shared(r->quota) ? settle_with_nodes(&t, j)
						   : settle_alone(&t, j);
	if (reason != REASON_NONE && t.runs)
		rules_run_undo(r);
	if (reason == REASON_NONE && t.doc.root && !t.shape)
		learn_shape(&t);
	r->context.messages++;
	end(&t, j, reason);
}

void rules_judge_server(struct rules *r, struct rules_room *room, const struct rules_message *m,
			struct judgement *j)
{
	struct turn t;

	begin(&t, r, room, m, false, j);
	enum reason reason = recognise(&t);
	/* Whatever becomes of it: what it says is over is over. */
	if (reason == REASON_NONE && r->lease_count)
		rules_ran(r, t.rule);
	if (reason == REASON_NONE)
		reason = gate_allow(&t);
	if (reason == REASON_NONE && t.root)
		reason = pass_inside_server(&t);
	if (reason == REASON_NONE && t.root)
		reason = write_out(&t, j);
	if (reason == REASON_NONE && t.rule->slot)
		reason = gate_remember(&t);
	if (reason == REASON_NONE && t.doc.root && !t.shape)
		learn_shape(&t);
	end(&t, j, reason);
}
