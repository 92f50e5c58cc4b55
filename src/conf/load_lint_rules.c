/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings about contracts and rules: messages that nobody can send, rules that nothing comes
 * to, schemas that take anything.
 */
#include <inttypes.h>

#include "conf/load_priv.h"

enum { NAMES_BYTES = 300, DEPTH_MAX = 4, MEMBERS_MAX = 256 };

struct lint {
	struct load *l;
	const struct yaml_node *route, *rules;
	const struct conf_messages *m;
};

static bool from_client(const struct conf_messages *m, size_t index)
{
	return m->contract ? m->contract->messages[index].from_client : index == 0;
}

/* The key of a message's rule, or the best place there is. */
static struct diag_place place_of_rule(const struct lint *t, size_t index)
{
	const struct yaml_node *map =
		load_get(t->rules, from_client(t->m, index) ? SET_RULES_CLIENT : SET_RULES_SERVER);
	const struct yaml_node *own = yaml_get(map, t->m->rules[index].id);

	if (!own)
		own = yaml_get(map, SLICE("*"));
	if (own)
		return own->key_at;
	return map ? map->key_at : t->rules->key_at;
}

/* ---- lists of names */

struct list {
	char text[NAMES_BYTES];
	size_t len, count;
};

static void add(struct list *l, struct slice name)
{
	if (l->count++ && l->len + 2 < sizeof(l->text))
		l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, ", ");
	if (name.len + 8 > sizeof(l->text) - l->len) {
		if (l->len + 3 < sizeof(l->text) && l->text[l->len ? l->len - 1 : 0] != '.')
			l->len +=
				(size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "...");
		return;
	}
	l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "`%.*s`",
				   SLICE_ARG(name));
}

/* ---- messages without a rule, rules without a message */

static void lint_missing(const struct lint *t, bool client)
{
	const struct yaml_node *map =
		load_get(t->rules, client ? SET_RULES_CLIENT : SET_RULES_SERVER);
	struct list names = {.len = 0};

	for (size_t i = 0; i < t->m->rule_count; i++)
		if (from_client(t->m, i) == client && !t->m->rules[i].written)
			add(&names, t->m->rules[i].id);
	if (!names.count)
		return;
	if (!t->m->contract)
		diag_add(t->l->diag, DIAG_WARNING, map ? map->key_at : t->rules->key_at,
			 "no rule for what %s sends: all of it is refused",
			 client ? "the client" : "the application");
	else
		diag_add(t->l->diag, DIAG_WARNING, map ? map->key_at : t->rules->key_at,
			 "no rule for what %s sends as %s: refused, although declared",
			 client ? "the client" : "the application", names.text);
	diag_help(t->l->diag,
		  "write a rule, or \"*\" for all that have none; `%s` says that it "
		  "is meant",
		  client ? "after: never" : "allow: false");
}

static void lint_wildcard(const struct lint *t, bool client)
{
	const struct yaml_node *map =
		load_get(t->rules, client ? SET_RULES_CLIENT : SET_RULES_SERVER);
	const struct yaml_node *all = yaml_get(map, SLICE("*"));

	for (size_t i = 0; i < t->m->rule_count; i++)
		if (from_client(t->m, i) == client && t->m->rules[i].wildcard)
			return;
	if (all)
		diag_add(t->l->diag, DIAG_WARNING, all->key_at,
			 "the rule `*` is never asked: every message has one of its own");
}

/* ---- what depends on messages that never come */

static bool passes(const struct conf_rule *rule)
{
	return rule->written && !rule->never && (rule->allow.always || rule->allow.program);
}

static void lint_dependence(const struct lint *t, size_t index)
{
	const struct conf_rule *rule = &t->m->rules[index];

	for (size_t i = 0; i < rule->after_count; i++)
		if (!passes(&t->m->rules[rule->after[i].message]))
			diag_add(t->l->diag, DIAG_WARNING, place_of_rule(t, index),
				 "`%.*s` never passes: it waits for `%.*s`, which no rule lets "
				 "through",
				 SLICE_ARG(rule->id),
				 SLICE_ARG(t->m->rules[rule->after[i].message].id));
	if (rule->running.on && !passes(&t->m->rules[rule->running.until]))
		diag_add(t->l->diag, DIAG_WARNING, place_of_rule(t, index),
			 "`%.*s` counts as running until its deadline: no rule lets `%.*s` through",
			 SLICE_ARG(rule->id), SLICE_ARG(t->m->rules[rule->running.until].id));
}

/* ---- which message is it */

static void lint_discriminator(const struct lint *t, const struct yaml_node *contract, bool client)
{
	const struct contract *c = t->m->contract;
	struct list kinds[3] = {{.len = 0}};

	for (size_t i = 0; i < c->count; i++)
		if (c->messages[i].from_client == client)
			add(&kinds[c->messages[i].content == CONTRACT_BINARY], c->messages[i].id);
	if (kinds[0].count > 1 && !c->discriminator[client ? 0 : 1].len) {
		diag_add(t->l->diag, DIAG_WARNING, contract->key_at,
			 "no property tells apart what %s sends (%s): the schemas are tried one "
			 "after the other, and the first that fits decides about the rule",
			 client ? "the client" : "the application", kinds[0].text);
		diag_help(t->l->diag, "require in each a property with a `const` of its own, such "
				      "as `type`");
	}
	if (kinds[1].count > 1) {
		diag_add(
			t->l->diag, DIAG_WARNING, contract->key_at,
			"nothing tells apart the binary messages that %s sends (%s): all are taken "
			"for the first",
			client ? "the client" : "the application", kinds[1].text);
	}
}

/* ---- schemas that take anything */

struct members {
	struct slice names[MEMBERS_MAX];
	size_t count;
};

static void add_member(void *with, struct slice name)
{
	struct members *m = with;

	for (size_t i = 0; i < m->count; i++)
		if (slice_eq(m->names[i], name))
			return;
	if (m->count < MEMBERS_MAX)
		m->names[m->count++] = name;
}

static void find_texts(const struct lint *t, const struct schema_shape *shape, struct slice path,
		       unsigned depth, struct list *found)
{
	const unsigned every = 0x7e;
	unsigned types = schema_shape_types(shape);
	const struct schema_shape *inner = NULL;

	if (types & 1u << JSON_STRING && schema_shape_any_text(shape))
		add(found, path.len ? path : SLICE("."));
	if (types == every || depth == DEPTH_MAX)
		return;
	if (types & 1u << JSON_ARRAY &&
	    schema_shape_item(shape, t->l->arena, &inner) == SCHEMA_ANSWER_KNOWN)
		find_texts(t, inner, path, depth + 1, found);
	if (!(types & 1u << JSON_OBJECT))
		return;
	struct members *m = load_room(t->l, 1, sizeof(*m));
	if (!m)
		return;
	schema_shape_names(shape, add_member, m);
	for (size_t i = 0; i < m->count; i++)
		if (schema_shape_member(shape, m->names[i], t->l->arena, &inner) ==
		    SCHEMA_ANSWER_KNOWN)
			find_texts(t, inner,
				   arena_printf(t->l->arena, "%.*s%s%.*s", SLICE_ARG(path),
						path.len ? "." : "", SLICE_ARG(m->names[i])),
				   depth + 1, found);
}

static void lint_schema(const struct lint *t, size_t index)
{
	const struct contract_message *message = &t->m->contract->messages[index];
	struct list found = {.len = 0};

	if (!message->from_client || message->content == CONTRACT_BINARY ||
	    !passes(&t->m->rules[index]))
		return;
	const struct schema_shape *shape =
		message->schema ? schema_shape_of(message->schema, t->l->arena) : NULL;
	if (!shape || schema_shape_types(shape) == 0x7e) {
		diag_add(t->l->diag, DIAG_WARNING, place_of_rule(t, index),
			 "by its schema `%.*s` may be anything at all", SLICE_ARG(message->id));
		diag_help(t->l->diag, "say in the contract what the message looks like");
		return;
	}
	find_texts(t, shape, SLICE(""), 0, &found);
	if (!found.count)
		return;
	diag_add(t->l->diag, DIAG_WARNING, place_of_rule(t, index),
		 "by its schema `%.*s` takes any text, however long, in %s", SLICE_ARG(message->id),
		 found.text);
	diag_help(t->l->diag, "give each a `maxLength`, a `pattern`, a `format` or an `enum`");
}

/* ---- texts */

static bool escapes(const struct conf_rule *rule)
{
	for (size_t i = 0; i < rule->text_count; i++)
		if (rule->texts[i].mode == MARKUP_ESCAPE)
			return true;
	return false;
}

static void lint_escapes(const struct lint *t)
{
	bool client = false;

	for (size_t i = 0; i < t->m->rule_count; i++)
		client = client || (from_client(t->m, i) && escapes(&t->m->rules[i]));
	for (size_t i = 0; client && i < t->m->rule_count; i++) {
		if (from_client(t->m, i) || !escapes(&t->m->rules[i]))
			continue;
		diag_add(t->l->diag, DIAG_WARNING, place_of_rule(t, i),
			 "texts are escaped on their way in and again on their way out: people "
			 "would read `&amp;lt;`");
		diag_help(t->l->diag, "escape once, where they come in");
		return;
	}
}

/* What is remembered is one connection's: a second one of the same person may know better. */
static void lint_last(const struct lint *t)
{
	if (t->l->s->limits.connections_per_identity <= 1)
		return;
	for (size_t i = 0; i < t->m->rule_count; i++) {
		const struct cel_program *allow = t->m->rules[i].allow.program;
		if (!from_client(t->m, i) || !allow || !cel_program_uses(allow, CONF_VAR_LAST))
			continue;
		diag_add(t->l->diag, DIAG_WARNING, place_of_rule(t, i),
			 "`last` is what this connection was sent, and one person may have %" PRIu64
			 " connections: on another one it may still be what was true before",
			 t->l->s->limits.connections_per_identity);
		diag_help(t->l->diag,
			  "where that matters write `limits: {connections_per_identity: "
			  "1}` at the top of the file");
		return;
	}
}

void load_lint_rules(struct load *l, const struct yaml_node *route, const struct conf_route *out)
{
	const struct yaml_node *contract = load_get(route, SET_ROUTE_CONTRACT);
	struct lint t = {.l = l,
			 .route = route,
			 .rules = load_get(route, SET_ROUTE_RULES),
			 .m = &out->messages};

	if (!t.rules || !t.m->rule_count)
		return;
	for (int server = 0; server < 2; server++) {
		lint_missing(&t, !server);
		lint_wildcard(&t, !server);
		if (t.m->contract)
			lint_discriminator(&t, contract, !server);
	}
	lint_escapes(&t);
	lint_last(&t);
	for (size_t i = 0; i < t.m->rule_count; i++) {
		lint_dependence(&t, i);
		if (t.m->contract)
			lint_schema(&t, i);
	}
}
