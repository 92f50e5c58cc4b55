/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates that a message passes once it is known; the drawing is in rules.h, a message on its way
 * in rules_turn.h.
 */
#include <string.h>

#include "policy/detect.h"
#include "policy/markup.h"
#include "policy/place.h"
#include "policy/redact.h"
#include "policy/rules_turn.h"

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
		return turn_found(t, REASON_RULE, "set");
	const struct json_node *value = to_json(t, &v);
	for (; value && at + 1 < f->count; at++) {
		const struct json_node *inner = json_member_named(object, &f->steps[at].name);
		if (!inner)
			break;
		object = inner;
	}
	if (!value || !f->count)
		return turn_found(t, REASON_RULE, "set");
	if (json_type(object) != JSON_OBJECT)
		return turn_found_at(t, REASON_SCHEMA, object, "set");
	if (at + 1 < f->count)
		value = wrap(t, f, at + 1, value);
	if (!value || json_edit_set(&t->edits, object, f->steps[at].name.text, value))
		return turn_no_memory(t);
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

enum reason rules_write_sets(struct turn *t)
{
	for (size_t i = 0; i < t->rule->set_count; i++) {
		show_message(t);
		enum reason r = write_set(t, &t->rule->sets[i]);
		if (r != REASON_NONE)
			return r;
		uint32_t nodes;
		const struct json_node *root = json_edits_apply(&t->edits, &t->room->arena, &nodes);
		if (!root)
			return turn_no_memory(t);
		turn_take_tape(t, root, nodes);
		t->changed = true;
	}
	return REASON_NONE;
}

/* --- the gates of a message that is known */

static bool take_rate(const struct turn *t, const struct conf_rule *rule)
{
	uint64_t key = rules_key(t->r, QUOTA_RATE, rule->rate_per, rule);

	return quota_take(t->r->quota, key, &rule->rate, t->m->now_us, 1);
}

enum reason rules_gate_rate(struct turn *t)
{
	return !t->rule->has_rate || take_rate(t, t->rule)
		       ? REASON_NONE
		       : turn_found(t, REASON_MESSAGE_RATE, "rate");
}

static enum reason gate_allow(struct turn *t)
{
	const struct conf_condition *allow = &t->rule->allow;
	struct cel_error error;

	if (allow->always)
		return REASON_NONE;
	const struct cel_quick *quick = allow->program ? cel_program_quick(allow->program) : NULL;
	if (quick && rule_surely_allows(quick, &t->r->context, t->root, NULL))
		return REASON_NONE;
	show_message(t);
	struct cel_value v = {0};
	bool ran = allow->program && !cel_eval(allow->program, t->room->view.slots, CONF_VARIABLES,
					       &t->room->arena, &v, &error);
	if (ran && v.kind == CEL_BOOL && v.as.truth)
		return REASON_NONE;
	return turn_found(t, turn_by_side(t, REASON_RULE, REASON_SERVER_RULE),
			  ran ? "allow" : "allow has no value for this message");
}

static enum reason gate_after(struct turn *t)
{
	return rules_in_turn(t->r, t->rule, t->m->now_us)
		       ? REASON_NONE
		       : turn_found(t, REASON_OUT_OF_TURN, "after");
}

static enum reason ask_unique(struct turn *t, bool take)
{
	const struct conf_unique *unique = &t->rule->unique;

	if (!unique->on)
		return REASON_NONE;
	const struct json_node *value = t->root ? place_one(&unique->by, t->root) : NULL;
	if (!value)
		return turn_found(t, REASON_REPLAY, "no value that could be unique");
	switch (quota_unique(t->r->quota, rules_key(t->r, QUOTA_UNIQUE, unique->per, t->rule),
			     json_hash(value, quota_secret(t->r->quota)), t->m->now_us,
			     unique->within_ms, take)) {
	case QUOTA_SEEN_NEW:
		return REASON_NONE;
	case QUOTA_SEEN_AGAIN:
		return turn_found_at(t, REASON_REPLAY, value, "unique");
	case QUOTA_SEEN_FULL:
	default:
		return turn_found(t, REASON_BUSY, "no room to remember what came");
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
		       : turn_found(t, REASON_COST_EXCEEDED, "cost");
}

static enum reason gate_running(struct turn *t)
{
	if (!t->rule->running.on)
		return REASON_NONE;
	enum rules_run run = rules_run(t->r, t->rule, t->m->now_us);
	t->runs = run == RULES_RUNS;
	/* Who only observes holds nothing back. */
	t->waits = run == RULES_WAITS && !t->r->route->observe && !t->rule->observe;
	return run == RULES_BUSY ? turn_found(t, REASON_BUSY, "running") : REASON_NONE;
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
		turn_found_at(s->t, s->reason, v, "text");
		return false;
	}
	if (out.data != text.data && json_edit_string(&s->t->edits, v, out))
		s->reason = turn_no_memory(s->t);
	return s->reason == REASON_NONE;
}

static enum reason gate_text(struct turn *t)
{
	for (size_t i = 0; i < t->rule->text_count; i++) {
		struct treat s = {.t = t, .mode = t->rule->texts[i].mode};
		if (!place_each_string(&t->rule->texts[i].field, t->root, escape_string, &s))
			return s.reason == REASON_MARKUP
				       ? turn_by_side(t, REASON_MARKUP, REASON_SERVER_RULE)
				       : s.reason;
	}
	return REASON_NONE;
}

static bool detect_string(void *with, const struct json_node *v)
{
	struct treat *s = with;

	if (!detect_find(s->kinds, json_string(v), &s->t->room->arena))
		return true;
	s->reason = turn_found_at(s->t, REASON_INJECTION, v, "detect");
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
		s->reason = turn_no_memory(s->t);
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
		s->reason = turn_no_memory(s->t);
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
		return turn_found(t, REASON_SERVER_RULE, "remember");
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
	t->r = r;
	t->room = room;
	t->m = m;
	t->client = client;
	t->doc.root = NULL;
	t->shape = NULL;
	t->rule = NULL;
	t->j = j;
	j->reason = REASON_INTERNAL;
	j->rule = NULL;
	j->rewritten = j->waits = j->asks = j->binary = false;
	j->text = slice_of(NULL, 0);
	j->finding.message = slice_of(NULL, 0);
	j->finding.pointer = slice_of(NULL, 0);
	j->finding.line = 0;
	j->finding.has_pointer = false;
	j->finding.detail = NULL;
}

/* What the gates besides have. */
static inline void begin_gates(struct turn *t)
{
	arena_reset(&t->room->arena);
	t->messages = &t->r->route->messages;
	t->named = NULL;
	t->declared = false;
	t->root = NULL;
	t->nodes = 0;
	t->edits.count = 0;
	t->changed = t->runs = t->waits = false;
}

/* The text to forward, if it is another than the one that came. */
static enum reason write_out(struct turn *t)
{
	if (!t->changed && !t->edits.count)
		return REASON_NONE;
	buf_clear(&t->room->text);
	if (t->root->type == JSON_STRING && t->root->flags & JSON_IS_ESCAPED && t->nodes == 1 &&
	    t->root->data == t->m->text.data) {
		/* text/plain: the string itself */
		t->j->text = json_edited_string(&t->edits, t->root);
	} else if (json_write(t->root, &t->edits, &t->room->text)) {
		return turn_no_memory(t);
	} else {
		t->j->text = buf_slice(&t->room->text);
	}
	t->j->rewritten = true;
	return REASON_NONE;
}

static inline void end(struct turn *t, enum reason reason)
{
	struct judgement *j = t->j;

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
		       : turn_found(t, REASON_INTERNAL, "no hash for the store");
}

/* It has to wait for others of its kind, or for the store. */
static enum reason wait_turn(struct turn *t, const struct rules_asked *asked)
{
	struct judgement *j = t->j;
	struct slice text = j->rewritten ? j->text : t->m->text;

	if (!t->waits && !asked->count)
		return REASON_NONE;
	if (!rules_wait(t->r, t->rule, text, t->m->binary, asked, t->waits))
		return turn_found(t, REASON_BUSY, "no room to wait");
	j->waits = t->waits;
	j->asks = !t->waits;
	return REASON_NONE;
}

/* What is counted for good, and what the message waits for: only when nothing else can refuse it
 * any more. */
static enum reason settle_alone(struct turn *t)
{
	static const struct rules_asked nobody = {.count = 0};
	enum reason reason = t->rule->unique.on ? take_unique(t) : REASON_NONE;

	if (reason == REASON_NONE && t->root)
		reason = write_out(t);
	return reason == REASON_NONE && t->waits ? wait_turn(t, &nobody) : reason;
}

static enum reason settle_with_nodes(struct turn *t)
{
	struct rules_asked asked = {.count = 0};
	enum reason reason = ask_nodes(t, &asked);

	if (reason == REASON_NONE && !asked.count)
		reason = take_unique(t);
	if (reason == REASON_NONE && t->root)
		reason = write_out(t);
	return reason == REASON_NONE ? wait_turn(t, &asked) : reason;
}

__attribute__((always_inline)) static inline void read_by_shape(struct turn *t)
{
	struct rules_memory *memory = turn_memory(t);

	if (memory && !t->m->binary)
		t->shape = shapes_read(turn_shapes(t, memory), t->m->text, &t->doc);
}

/* Most messages: one of its shape was let through, and all in which it differs is looked at. It
 * goes as it came. Its rate is asked last: only what goes is counted here. */
__attribute__((always_inline)) static inline bool passes_at_a_glance(struct turn *t)
{
	struct rules *r = t->r;

	read_by_shape(t);
	const struct shape *shape = t->shape;
	if (!shape || !shape->ask.made || (!t->client && r->lease_count))
		return false;
	if (shape->message && !schema_plan_holds(&shape->schema, t->doc.root, t->room->schema))
		return false;
	if (!rule_plan_holds(&shape->ask, &r->context, t->doc.root))
		return false;
	const struct conf_rule *rule = shape->rule;
	if (rule->has_rate && (quota_is_shared(r->quota) || !take_rate(t, rule)))
		return false;
	t->rule = rule;
	return true;
}

/* The whole way. */
static __attribute__((noinline)) enum reason pass_client(struct turn *t)
{
	begin_gates(t);
	enum reason reason = rules_recognise(t);
	if (reason == REASON_NONE)
		reason = pass_known(t);
	if (reason == REASON_NONE && t->root)
		reason = pass_inside_client(t);
	if (reason == REASON_NONE)
		reason = quota_is_shared(t->r->quota) ? settle_with_nodes(t) : settle_alone(t);
	if (reason != REASON_NONE && t->runs)
		rules_run_undo(t->r);
	if (reason == REASON_NONE && t->doc.root && !t->shape)
		rules_learn(t);
	return reason;
}

bool rules_judge_client(struct rules *r, struct rules_room *room, const struct rules_message *m,
			struct judgement *j)
{
	struct turn t;

	begin(&t, r, room, m, true, j);
	bool glance = passes_at_a_glance(&t);
	enum reason reason = glance ? REASON_NONE : pass_client(&t);
	r->context.messages++;
	end(&t, reason);
	return glance;
}

static __attribute__((noinline)) enum reason pass_server(struct turn *t)
{
	begin_gates(t);
	enum reason reason = rules_recognise(t);
	/* Whatever becomes of it: what it says is over is over. */
	if (reason == REASON_NONE && t->r->lease_count)
		rules_ran(t->r, t->rule);
	if (reason == REASON_NONE)
		reason = gate_allow(t);
	if (reason == REASON_NONE && t->root)
		reason = pass_inside_server(t);
	if (reason == REASON_NONE && t->root)
		reason = write_out(t);
	if (reason == REASON_NONE && t->rule->slot)
		reason = gate_remember(t);
	if (reason == REASON_NONE && t->doc.root && !t->shape)
		rules_learn(t);
	return reason;
}

bool rules_judge_server(struct rules *r, struct rules_room *room, const struct rules_message *m,
			struct judgement *j)
{
	struct turn t;

	begin(&t, r, room, m, false, j);
	bool glance = passes_at_a_glance(&t);
	end(&t, glance ? REASON_NONE : pass_server(&t));
	return glance;
}
