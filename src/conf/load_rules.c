/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `allow` of a route, and `rules`: which rule is for which message.
 *
 *	rules.client.say  ---.                      contract.messages[0] say  (client)
 *	rules.client."*"  ----+--> messages.rules   contract.messages[1] join (client)
 *	rules.server.said ---'                      contract.messages[2] said (server)
 *
 * One rule for each message, in the contract's order; that of `*` is read once for each message
 * that it is for, because its expressions are held against each message's schema. A message that
 * has none is refused. What stands in a rule is load_rule.c's.
 */
#include "conf/load_priv.h"

bool load_is_true(const struct yaml_node *node)
{
	return node && node->kind == YAML_SCALAR && slice_eq(slice_trim(node->text), SLICE("true"));
}

static const struct yaml_node *map_of(const struct load_rules *r, bool from_client)
{
	const struct yaml_node *map =
		load_get(r->rules, from_client ? SET_RULES_CLIENT : SET_RULES_SERVER);

	return map && map->kind == YAML_MAP ? map : NULL;
}

const struct yaml_node *load_rules_node(const struct load_rules *r,
					const struct contract_message *m)
{
	const struct yaml_node *map = map_of(r, m->from_client);
	const struct yaml_node *own = yaml_get(map, m->id);

	return own ? own : yaml_get(map, SLICE("*"));
}

bool load_rules_remembers(const struct load_rules *r, size_t index)
{
	const struct contract_message *m = &r->contract->messages[index];
	const struct yaml_node *node = m->from_client ? NULL : load_rules_node(r, m);
	const struct yaml_node *remember =
		node && node->kind == YAML_MAP ? load_get(node, SET_SERVER_RULE_REMEMBER) : NULL;

	return remember && yaml_scalar_type(remember) == YAML_TYPE_TRUE;
}

/* ---- names of messages */

static const struct contract_message *find(const struct contract *c, struct slice id,
					   bool from_client)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->messages[i].from_client == from_client && slice_eq(c->messages[i].id, id))
			return &c->messages[i];
	return NULL;
}

static struct slice nearest(const struct contract *c, struct slice id, bool from_client)
{
	struct slice names[CONTRACT_MESSAGES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < c->count && count < CONTRACT_MESSAGES_MAX; i++)
		if (c->messages[i].from_client == from_client)
			names[count++] = c->messages[i].id;
	return diag_nearest(id, names, count);
}

/* The messages of one direction, for the help line. */
static void help_names(struct load_rules *r, bool from_client)
{
	struct slice list = {NULL, 0};

	for (size_t i = 0; i < r->contract->count && list.len < 200; i++)
		if (r->contract->messages[i].from_client == from_client)
			list = arena_printf(
				r->l->arena, "%.*s%s`%.*s`", SLICE_ARG(list), list.len ? ", " : "",
				SLICE_ARG(slice_first(r->contract->messages[i].id, 60)));
	if (list.len)
		diag_help(r->l->diag, "the contract has: %.*s", SLICE_ARG(list));
	else
		diag_help(r->l->diag, "it sends nothing at all on this channel");
}

static void unknown_message(struct load_rules *r, struct slice id, struct diag_place place,
			    bool from_client)
{
	struct slice near = nearest(r->contract, id, from_client);

	diag_add(r->l->diag, DIAG_ERROR, place, "by the contract %s sends no message `%.*s`",
		 from_client ? "the client" : "the application", SLICE_ARG(slice_first(id, 80)));
	if (find(r->contract, id, !from_client))
		diag_help(r->l->diag, "it is %s that sends it: its rule belongs below `%s`",
			  from_client ? "the application" : "the client",
			  from_client ? "server" : "client");
	else if (near.len)
		diag_help(r->l->diag, "did you mean `%.*s`?", SLICE_ARG(near));
	else
		help_names(r, from_client);
}

bool load_rules_server_message(struct load_rules *r, struct slice name, struct diag_place place,
			       const char *key, uint32_t *index)
{
	if (!r->contract) {
		diag_add(r->l->diag, DIAG_ERROR, place,
			 "`%s` names a message, and without a contract no message has a name", key);
		return false;
	}
	const struct contract_message *m = find(r->contract, name, false);
	if (!m) {
		unknown_message(r, name, place, false);
		return false;
	}
	*index = (uint32_t)(m - r->contract->messages);
	return true;
}

static void check_names(struct load_rules *r, bool from_client)
{
	const struct yaml_node *map = map_of(r, from_client);

	for (const struct yaml_node *item = map ? map->first : NULL; item; item = item->next) {
		if (slice_eq(item->key, SLICE("*")))
			continue;
		if (!r->contract) {
			diag_add(r->l->diag, DIAG_ERROR, item->key_at,
				 "without a contract no message is called `%.*s`",
				 SLICE_ARG(slice_first(item->key, 80)));
			diag_help(r->l->diag, "write \"*\", in quotes: the rule for all messages");
		} else if (!find(r->contract, item->key, from_client)) {
			unknown_message(r, item->key, item->key_at, from_client);
		}
	}
}

/* ---- reading them */

/* False when something in it was wrong. */
static bool read_rule(struct load_rules *r, const struct yaml_node *node,
		      const struct contract_message *m, bool from_client, struct conf_rule *out)
{
	struct load_rule rule = {.r = r,
				 .node = node,
				 .message = m,
				 .from_client = from_client,
				 .wildcard = slice_eq(node->key, SLICE("*")),
				 .out = out};
	size_t errors = r->l->diag->errors;

	if (node->kind != YAML_MAP)
		return false;
	out->written = true;
	out->wildcard = rule.wildcard;
	out->line = node->key_at.line;
	load_rule(&rule);
	return r->l->diag->errors == errors;
}

static bool has_field(const struct conf_rule *rule, struct slice text)
{
	for (size_t i = 0; i < rule->text_count; i++)
		if (slice_eq(rule->texts[i].field.text, text))
			return true;
	for (size_t i = 0; i < rule->detect_count; i++)
		if (slice_eq(rule->detects[i].field.text, text))
			return true;
	for (size_t i = 0; i < rule->redact_count; i++)
		if (slice_eq(rule->redacts[i].field.text, text))
			return true;
	for (size_t i = 0; i < rule->drops.count; i++)
		if (slice_eq(rule->drops.items[i].text, text))
			return true;
	return false;
}

/* A field of the rule `*` concerns the messages that have it: somebody must. */
static void check_field(struct load_rules *r, bool from_client, struct slice text,
			struct diag_place place)
{
	for (size_t i = 0; i < r->contract->count; i++)
		if (r->all[i].wildcard && r->contract->messages[i].from_client == from_client &&
		    has_field(&r->all[i], text))
			return;
	diag_add(r->l->diag, DIAG_ERROR, place,
		 "none of the messages that the rule `*` is for has a field `%.*s` with texts",
		 SLICE_ARG(slice_first(text, 80)));
}

static void check_fields(struct load_rules *r, bool from_client)
{
	static const enum setting_id lists[] = {SET_RULE_TEXT, SET_RULE_DETECT,
						SET_SERVER_RULE_REDACT, SET_SERVER_RULE_DROP};
	const struct yaml_node *all = yaml_get(map_of(r, from_client), SLICE("*"));
	bool asked = false;

	for (size_t i = 0; i < r->contract->count; i++)
		asked = asked ||
			(r->all[i].wildcard && r->contract->messages[i].from_client == from_client);
	for (size_t i = 0; asked && i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct yaml_node *node = load_get(all, lists[i]);
		if (!node || (node->kind != YAML_MAP && lists[i] != SET_SERVER_RULE_DROP))
			continue;
		YAML_EACH (item, node) {
			struct load_items fields = load_items(item);
			if (lists[i] == SET_RULE_TEXT)
				check_field(r, from_client, item->key, item->key_at);
			for (const struct yaml_node *field;
			     lists[i] != SET_RULE_TEXT && (field = load_next(&fields));)
				check_field(r, from_client, load_text(field), field->at);
		}
	}
}

static void read_with_contract(struct load_rules *r)
{
	bool wrong[2] = {false, false}; /* the rule of `*`: said once */

	for (size_t i = 0; i < r->contract->count; i++) {
		const struct contract_message *m = &r->contract->messages[i];
		const struct yaml_node *node = load_rules_node(r, m);
		bool wildcard = node && slice_eq(node->key, SLICE("*"));
		r->all[i].id = m->id;
		if (!node || (wildcard && wrong[m->from_client]))
			continue;
		if (!read_rule(r, node, m, m->from_client, &r->all[i]) && wildcard)
			wrong[m->from_client] = true;
	}
	for (int client = 0; client < 2; client++)
		if (!wrong[client])
			check_fields(r, client);
}

static void read_without_contract(struct load_rules *r)
{
	for (size_t i = 0; i < 2; i++) {
		bool from_client = i == 0;
		const struct yaml_node *node = yaml_get(map_of(r, from_client), SLICE("*"));
		r->all[i].id = SLICE("*");
		if (node)
			(void)read_rule(r, node, NULL, from_client, &r->all[i]);
	}
}

static void read_undeclared(struct load_rules *r)
{
	if (load_is(r->rules, SET_RULES_UNDECLARED, "strip"))
		r->out->messages.undeclared = CONF_UNDECLARED_STRIP;
	else if (load_is(r->rules, SET_RULES_UNDECLARED, "allow"))
		r->out->messages.undeclared = CONF_UNDECLARED_ALLOW;
}

static void read_rules(struct load_rules *r)
{
	struct conf_messages *messages = &r->out->messages;
	size_t count = r->contract ? r->contract->count : 2;

	messages->judged = true;
	r->all = load_room(r->l, count, sizeof(*r->all));
	r->types = load_room(r->l, count, sizeof(*r->types));
	if (!r->all || !r->types)
		return;
	read_undeclared(r);
	check_names(r, true);
	check_names(r, false);
	if (r->contract)
		read_with_contract(r);
	else
		read_without_contract(r);
	messages->rules = r->all;
	messages->rule_count = count;
	conf_rules_number(messages, r->all);
}

static void no_rules(struct load *l, const struct yaml_node *route)
{
	const struct yaml_node *contract = load_get(route, SET_ROUTE_CONTRACT);

	diag_add(l->diag, DIAG_ERROR, contract ? contract->key_at : route->at,
		 "the route has a contract and no `rules`: every message would be refused");
	diag_help(l->diag, "to begin with, let every declared message pass: `rules: {client: "
			   "{\"*\": {allow: true}}, server: {\"*\": {allow: true}}}`");
}

static void read_allow(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *allow = load_get(route, SET_ROUTE_ALLOW);

	out->allow.line = allow ? allow->key_at.line : 0;
	out->allow.text = load_copy(l, load_text(allow));
	out->allow.always = !allow || load_is_true(allow);
	if (allow && !out->allow.always)
		out->allow.program = load_route_condition(l, allow, out, "allow", &out->allow_uses);
}

void load_rules(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *rules = load_get(route, SET_ROUTE_RULES);
	struct load_rules r = {.l = l,
			       .route = route,
			       .rules = rules && rules->kind == YAML_MAP ? rules : NULL,
			       .out = out,
			       .contract = out->messages.contract};

	read_allow(l, route, out);
	/* What is wrong with a contract was said; rules without it would only seem wrong. */
	if (out->messages.judged && !out->messages.contract)
		return;
	if (r.rules)
		read_rules(&r);
	else if (!rules && out->messages.contract)
		no_rules(l, route);
}
