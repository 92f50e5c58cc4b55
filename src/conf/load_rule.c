/* SPDX-License-Identifier: Apache-2.0 */
/* One rule for one message: a reader per key. See load_rules.c. */
#include "base/num.h"
#include "conf/load_priv.h"

static bool is_binary(const struct load_rule *rule)
{
	return rule->message && rule->message->content == CONTRACT_BINARY;
}

/* The setting is there, and the message is something that it can be about. */
static const struct yaml_node *get_readable(struct load_rule *rule, enum setting_id id)
{
	const struct yaml_node *node = load_get(rule->node, id);

	if (!node || !is_binary(rule))
		return node;
	/* Only what is done to texts can be left undone where there are none. */
	if (rule->wildcard && id != SET_RULE_SET && id != SET_RULE_UNIQUE)
		return NULL;
	diag_add(rule->r->l->diag, DIAG_ERROR, node->key_at,
		 "`%s` needs to read the message, and `%.*s` is no JSON", setting_of(id)->key,
		 SLICE_ARG(slice_first(rule->message->id, 80)));
	diag_help(rule->r->l->diag, "its `contentType` makes it travel in binary frames; only "
				    "`allow`, `rate` and the like apply");
	return NULL;
}

static void add_cost(struct load_rule *rule, const struct cel_program *p)
{
	struct conf_messages *m = &rule->r->out->messages;
	uint64_t cost = p ? cel_program_cost(p) : 0;

	if (rule->message && rule->message->schema)
		cost += schema_cost(rule->message->schema);
	if (cost > m->cost_each)
		m->cost_each = cost;
}

static void read_allow(struct load_rule *rule, enum setting_id id)
{
	const struct yaml_node *node = load_get(rule->node, id);
	struct conf_condition *out = &rule->out->allow;

	if (!node)
		return;
	out->line = node->key_at.line;
	out->text = load_copy(rule->r->l, load_text(node));
	out->always = load_is_true(node);
	if (!out->always)
		out->program = load_condition(rule, node, "allow", &rule->r->out->messages.uses);
	add_cost(rule, out->program);
}

/* ---- set */

/* The types of JSON that a value of that type is written as. */
static unsigned json_types_of(const struct cel_type *t)
{
	const unsigned all = 0x7e;

	if (t->form == CEL_T_LIST)
		return 1u << JSON_ARRAY;
	if (t->form == CEL_T_MAP || t->form == CEL_T_OBJECT)
		return 1u << JSON_OBJECT;
	if (t->form != CEL_T_VALUE)
		return all;
	switch (t->kind) {
	case CEL_NULL:
		return 1u << JSON_NULL;
	case CEL_BOOL:
		return 1u << JSON_BOOL;
	case CEL_INT:
	case CEL_UINT:
	case CEL_DOUBLE:
		return 1u << JSON_NUMBER;
	case CEL_STRING:
	case CEL_BYTES:
	case CEL_TIMESTAMP:
	case CEL_DURATION:
	case CEL_TYPE:
	case CEL_IP:
	case CEL_CIDR:
		return 1u << JSON_STRING;
	case CEL_LIST:
		return 1u << JSON_ARRAY;
	case CEL_MAP:
		return 1u << JSON_OBJECT;
	case CEL_ERROR:
	case CEL_KINDS:
		break;
	}
	return all;
}

/* The message is recognised by it before anything is set. */
static bool is_discriminator(const struct load_rule *rule, const struct conf_field *field)
{
	const struct contract *c = rule->r->contract;

	if (!c || field->count != 1)
		return false;
	struct slice decides = c->discriminator[rule->from_client ? 0 : 1];
	return decides.len && slice_eq(decides, field->steps[0].name.text);
}

static void check_value(struct load_rule *rule, const struct yaml_node *item,
			const struct cel_program *p, const struct schema_shape *shape)
{
	struct load *l = rule->r->l;

	if (!p || !shape)
		return;
	unsigned wanted = schema_shape_types(shape);
	if (wanted & json_types_of(cel_program_type(p)))
		return;
	diag_add(l->diag, DIAG_ERROR, item->at,
		 "`set`: this gives a value of type %.*s, and by the schema `%.*s` is none",
		 SLICE_ARG(cel_type_text(cel_program_type(p), l->arena)),
		 SLICE_ARG(slice_first(item->key, 80)));
	diag_help(l->diag, "the message would be refused, whatever the client sends");
}

static bool read_set_item(struct load_rule *rule, const struct yaml_node *item,
			  struct conf_set *out)
{
	const struct schema_shape *shape = NULL;
	struct load *l = rule->r->l;

	if (!load_field(rule, item->key, item->key_at, "set", LOAD_FIELD_NAMES, &out->field,
			&shape))
		return false;
	if (out->field.count == 0) {
		diag_add(l->diag, DIAG_ERROR, item->key_at,
			 "`set` writes a field, not the whole message");
		return false;
	}
	if (is_discriminator(rule, &out->field)) {
		diag_add(l->diag, DIAG_ERROR, item->key_at,
			 "`set`: `%.*s` says which message it is, and cannot be made another",
			 SLICE_ARG(item->key));
		return false;
	}
	if (item->kind != YAML_SCALAR || yaml_scalar_type(item) == YAML_TYPE_NULL) {
		diag_add(l->diag, DIAG_ERROR, item->at, "`set` wants an expression, and here is %s",
			 yaml_describe(item));
		return false;
	}
	out->program = load_expression(rule, item, "set", &rule->r->out->messages.uses);
	add_cost(rule, out->program);
	check_value(rule, item, out->program, shape);
	return out->program != NULL;
}

/* A map, or a complaint. */
static bool must_be_map(struct load_rule *rule, const struct yaml_node *node, const char *key,
			const char *help)
{
	if (node->kind == YAML_MAP)
		return true;
	diag_add(rule->r->l->diag, DIAG_ERROR, node->at, "`%s` is a map, and here is %s", key,
		 yaml_describe(node));
	diag_help(rule->r->l->diag, "%s", help);
	return false;
}

static void read_set(struct load_rule *rule)
{
	const struct yaml_node *node = get_readable(rule, SET_RULE_SET);

	if (!node || !must_be_map(rule, node, "set", "write `field: expression` lines below it"))
		return;
	struct conf_set *sets = load_room(rule->r->l, node->count, sizeof(*sets));
	size_t count = 0;
	for (const struct yaml_node *item = sets ? node->first : NULL; item; item = item->next)
		count += read_set_item(rule, item, &sets[count]);
	rule->out->sets = sets;
	rule->out->set_count = count;
}

/* ---- text, detect, redact, drop */

static void read_text(struct load_rule *rule, enum setting_id id)
{
	const struct yaml_node *node = get_readable(rule, id);
	struct load *l = rule->r->l;
	static const char help[] = "write `field: escape` lines below it: escape, strip, refuse or "
				   "html";

	if (!node || !must_be_map(rule, node, "text", help))
		return;
	struct conf_text *texts = load_room(l, node->count, sizeof(*texts));
	size_t count = 0;
	for (const struct yaml_node *item = texts ? node->first : NULL; item; item = item->next) {
		struct conf_text *out = &texts[count];
		if (!markup_mode_parse(load_text(item), &out->mode)) {
			diag_add(l->diag, DIAG_ERROR, item->at, "`text` cannot be `%.*s`",
				 SLICE_ARG(slice_first(load_text(item), 80)));
			diag_help(l->diag, "one of: escape | strip | refuse | html");
			continue;
		}
		count += load_field(rule, item->key, item->key_at, "text", LOAD_FIELD_TEXT,
				    &out->field, NULL);
	}
	rule->out->texts = texts;
	rule->out->text_count = count;
}

/* `detect` and `redact` differ in their words. */
struct kinds {
	const char *key, *words;
	unsigned (*parse)(struct slice word);
	const struct yaml_node *node;
	struct conf_kinds *items;
	size_t count;
};

static unsigned read_kind(struct load_rule *rule, const struct kinds *k, struct slice word,
			  struct diag_place place)
{
	unsigned kind = k->parse(word);

	if (kind)
		return kind;
	diag_add(rule->r->l->diag, DIAG_ERROR, place, "`%s` knows no `%.*s`", k->key,
		 SLICE_ARG(slice_first(word, 80)));
	diag_help(rule->r->l->diag, "any of: %s", k->words);
	return 0;
}

static void add_kind(struct kinds *k, const struct conf_field *field, unsigned kind)
{
	for (size_t i = 0; i < k->count; i++)
		if (slice_eq(k->items[i].field.text, field->text)) {
			k->items[i].kinds |= kind;
			return;
		}
	k->items[k->count++] = (struct conf_kinds){*field, kind};
}

/* [sqli, xss]: in the whole message. */
static void read_kind_list(struct load_rule *rule, struct kinds *k)
{
	struct load_items items = load_items(k->node);
	const struct conf_field whole = {.text = SLICE(".")};

	for (const struct yaml_node *item; (item = load_next(&items));) {
		unsigned kind = read_kind(rule, k, load_text(item), item->at);
		if (kind)
			add_kind(k, &whole, kind);
	}
}

/* {sqli: [q, filter]}, {sqli: q} */
static void read_kind_map(struct load_rule *rule, struct kinds *k)
{
	YAML_EACH (item, k->node) {
		unsigned kind = read_kind(rule, k, item->key, item->key_at);
		struct load_items fields = load_items(item);
		if (item->kind == YAML_MAP || !load_count(item)) {
			diag_add(rule->r->l->diag, DIAG_ERROR, item->at,
				 "`%s` names fields here: `%.*s: [field]`", k->key,
				 SLICE_ARG(slice_first(item->key, 80)));
			continue;
		}
		for (const struct yaml_node *field; (field = load_next(&fields));) {
			struct conf_field parsed;
			if (kind && load_field(rule, load_text(field), field->at, k->key,
					       LOAD_FIELD_TEXT, &parsed, NULL))
				add_kind(k, &parsed, kind);
		}
	}
}

static size_t fields_of(const struct yaml_node *node)
{
	size_t count = 1;

	if (node->kind == YAML_MAP)
		YAML_EACH (item, node)
			count += load_count(item);
	return count;
}

static void read_kinds(struct load_rule *rule, struct kinds *k)
{
	k->items = load_room(rule->r->l, fields_of(k->node), sizeof(*k->items));
	if (!k->items)
		return;
	if (k->node->kind == YAML_MAP)
		read_kind_map(rule, k);
	else
		read_kind_list(rule, k);
	if (k->node->kind != YAML_MAP && !load_count(k->node))
		diag_add(rule->r->l->diag, DIAG_ERROR, k->node->at, "`%s` names nothing", k->key);
}

static void read_detect(struct load_rule *rule)
{
	struct kinds k = {.key = "detect",
			  .words = "sqli, xss",
			  .parse = detect_kind_parse,
			  .node = get_readable(rule, SET_RULE_DETECT)};

	if (!k.node)
		return;
	if (!detect_available()) {
		diag_add(rule->r->l->diag, DIAG_ERROR, k.node->key_at,
			 "`detect` needs libinjection, which this build does not have");
		diag_help(rule->r->l->diag, "build with Debian's libmodsecurity-dev");
	}
	read_kinds(rule, &k);
	rule->out->detects = k.items;
	rule->out->detect_count = k.count;
}

static void read_redact(struct load_rule *rule)
{
	struct kinds k = {.key = "redact",
			  .words = "card, email, secret, private_ip, stack_trace",
			  .parse = redact_kind_parse,
			  .node = get_readable(rule, SET_SERVER_RULE_REDACT)};

	if (!k.node)
		return;
	read_kinds(rule, &k);
	rule->out->redacts = k.items;
	rule->out->redact_count = k.count;
}

static void read_drop(struct load_rule *rule)
{
	const struct yaml_node *node = get_readable(rule, SET_SERVER_RULE_DROP);
	struct load_items items = load_items(node);
	struct conf_field *fields =
		node ? load_room(rule->r->l, load_count(node), sizeof(*fields)) : NULL;
	size_t count = 0;

	for (const struct yaml_node *item; fields && (item = load_next(&items));) {
		struct slice text = load_text(item);
		if (!text.len ||
		    !load_field(rule, text, item->at, "drop", LOAD_FIELD_ANY, &fields[count], NULL))
			continue;
		if (fields[count].count == 0)
			diag_add(rule->r->l->diag, DIAG_ERROR, item->at,
				 "`drop` takes fields out, not the whole message: that is `allow: "
				 "false`");
		count++;
	}
	rule->out->drops = (struct conf_fields){fields, count};
}

/* ---- what counts */

static enum conf_per read_per(const struct yaml_node *map, enum setting_id id)
{
	if (load_is(map, id, "connection"))
		return CONF_PER_CONNECTION;
	return load_is(map, id, "address") ? CONF_PER_ADDRESS : CONF_PER_IDENTITY;
}

static void read_rate(struct load_rule *rule)
{
	const struct yaml_node *node = load_get(rule->node, SET_RULE_RATE);
	const struct yaml_node *rate = node;
	struct load *l = rule->r->l;

	if (node && node->kind == YAML_MAP)
		rate = load_get(node, SET_RULE_RATE_RATE);
	if (!load_text(rate).len)
		return;
	if (!num_parse_rate(rate->text, &rule->out->rate)) {
		/* In a map its own row has said so. */
		if (rate == node) {
			diag_add(l->diag, DIAG_ERROR, rate->at, "`%.*s` is no rate",
				 SLICE_ARG(slice_first(rate->text, 80)));
			diag_help(l->diag, "a rate is a count per time: 5/s, 100/m, 5/s burst 10");
		}
		return;
	}
	if (rule->out->rate.unlimited) {
		diag_add(l->diag, DIAG_ERROR, rate->at, "an unlimited rate limits nothing");
		diag_help(l->diag, "leave `rate` out; the route's `messages` holds all the same");
		return;
	}
	rule->out->has_rate = true;
	if (node->kind == YAML_MAP)
		rule->out->rate_per = read_per(node, SET_RULE_RATE_PER);
}

static void check_cost(struct load_rule *rule)
{
	const struct yaml_node *node = load_get(rule->node, SET_RULE_COST);
	const struct conf_route_limits *limits = &rule->r->out->limits;
	struct load *l = rule->r->l;

	if (!node || !rule->out->cost)
		return;
	if (!limits->has_cost) {
		diag_add(l->diag, DIAG_ERROR, node->key_at,
			 "`cost` takes from the route's budget, and there is none");
		diag_help(l->diag, "write it under the route's `limits`: `cost: 100/m burst 100`");
	} else if (!limits->cost.unlimited && rule->out->cost > limits->cost.burst) {
		diag_add(l->diag, DIAG_ERROR, node->at,
			 "the message never passes: it costs more than the burst of the route's "
			 "`cost`, which is %u",
			 limits->cost.burst);
	}
}

static void read_running(struct load_rule *rule)
{
	const struct yaml_node *node = load_get(rule->node, SET_RULE_RUNNING);
	struct conf_running *out = &rule->out->running;

	if (!node || node->kind != YAML_MAP)
		return;
	load_fields(SECTION_RUNNING, node, out);
	out->per = read_per(node, SET_RUNNING_PER);
	const struct yaml_node *until = load_get(node, SET_RUNNING_UNTIL);
	out->on = load_text(until).len &&
		  load_rules_server_message(rule->r, until->text, until->at, "until", &out->until);
}

static void read_unique(struct load_rule *rule)
{
	const struct yaml_node *node = get_readable(rule, SET_RULE_UNIQUE);
	struct conf_unique *out = &rule->out->unique;

	if (!node || node->kind != YAML_MAP)
		return;
	load_fields(SECTION_UNIQUE, node, out);
	out->per = read_per(node, SET_UNIQUE_PER);
	const struct yaml_node *by = load_get(node, SET_UNIQUE_BY);
	out->on = load_text(by).len &&
		  load_field(rule, by->text, by->at, "by", LOAD_FIELD_ONE, &out->by, NULL);
}

static void read_after_item(struct load_rule *rule, const struct yaml_node *item,
			    struct conf_after *out, size_t *count)
{
	struct load *l = rule->r->l;

	if (!num_parse_duration_ms(load_text(item), &out->within_ms) || !out->within_ms) {
		diag_add(l->diag, DIAG_ERROR, item->at,
			 "`after` wants the time in which the message may come, and here is %s",
			 yaml_describe(item));
		diag_help(l->diag, "a duration is a whole number and a unit: 500ms, 30s, 5m, 12h");
		return;
	}
	*count +=
		load_rules_server_message(rule->r, item->key, item->key_at, "after", &out->message);
}

static void read_after(struct load_rule *rule)
{
	const struct yaml_node *node = load_get(rule->node, SET_RULE_AFTER);
	size_t count = 0;

	if (!node)
		return;
	rule->out->never = slice_eq(load_text(node), SLICE("never"));
	if (rule->out->never ||
	    !must_be_map(rule, node, "after",
			 "write `message: 10s` lines below it, or the word `never`"))
		return;
	struct conf_after *after = load_room(rule->r->l, node->count, sizeof(*after));
	for (const struct yaml_node *item = after ? node->first : NULL; item; item = item->next)
		read_after_item(rule, item, &after[count], &count);
	rule->out->after = after;
	rule->out->after_count = count;
}

/* ---- what becomes of it */

static bool same_texts(const struct conf_texts *a, const struct conf_texts *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = slice_eq(a->items[i], b->items[i]);
	return same;
}

/* A route has one reply, wherever it is written. */
static void read_reply(struct load_rule *rule, const struct yaml_node *reply)
{
	struct conf_texts *routes = &rule->r->out->reply_parts;
	struct conf_texts own;

	if (!load_reply(rule->r->l, reply, &own))
		return;
	rule->out->on_refusal = CONF_ON_REFUSAL_REPLY;
	if (!routes->count)
		*routes = own;
	if (same_texts(routes, &own))
		return;
	diag_add(rule->r->l->diag, DIAG_ERROR, reply->key_at,
		 "a route has one reply, and this is another");
	diag_help(rule->r->l->diag, "it is that of the route's `on_refusal`, or of the first rule "
				    "that has one");
}

static void read_on_refusal(struct load_rule *rule, enum setting_id id)
{
	const struct yaml_node *node = load_get(rule->node, id);
	const struct yaml_node *reply = load_get(node, SET_REPLY);
	struct conf_rule *out = rule->out;

	if (!node)
		return;
	out->has_on_refusal = true;
	out->on_refusal = CONF_ON_REFUSAL_CLOSE;
	if (load_is(rule->node, id, "drop"))
		out->on_refusal = CONF_ON_REFUSAL_DROP;
	else if (reply)
		read_reply(rule, reply);
}

static void read_remember(struct load_rule *rule)
{
	const struct yaml_node *node = load_get(rule->node, SET_SERVER_RULE_REMEMBER);
	const struct schema_shape *at, *shape;
	struct load *l = rule->r->l;

	if (!node || yaml_scalar_type(node) != YAML_TYPE_TRUE)
		return;
	if (!rule->message) {
		diag_add(l->diag, DIAG_ERROR, node->key_at,
			 "`remember` needs a name for the message, and without a contract no "
			 "message has one");
		return;
	}
	if (is_binary(rule) && rule->wildcard)
		return;
	rule->out->remember = get_readable(rule, SET_SERVER_RULE_REMEMBER) != NULL;
	shape = rule->message->schema ? schema_shape_of(rule->message->schema, l->arena) : NULL;
	if (shape && schema_shape_member(shape, SLICE("at"), l->arena, &at) == SCHEMA_ANSWER_KNOWN)
		diag_add(l->diag, DIAG_WARNING, node->key_at,
			 "`last.%.*s.at` is when the message came, not the member `at` that it has",
			 SLICE_ARG(slice_first(rule->message->id, 80)));
}

static void read_client(struct load_rule *rule)
{
	load_fields(SECTION_RULE, rule->node, rule->out);
	read_allow(rule, SET_RULE_ALLOW);
	read_set(rule);
	read_text(rule, SET_RULE_TEXT);
	read_detect(rule);
	read_rate(rule);
	check_cost(rule);
	read_running(rule);
	read_unique(rule);
	read_after(rule);
	read_on_refusal(rule, SET_RULE_ON_REFUSAL);
	rule->out->observe = load_is(rule->node, SET_RULE_MODE, "observe");
}

static void read_server(struct load_rule *rule)
{
	read_allow(rule, SET_SERVER_RULE_ALLOW);
	read_drop(rule);
	read_redact(rule);
	read_text(rule, SET_SERVER_RULE_TEXT);
	read_remember(rule);
	read_on_refusal(rule, SET_SERVER_RULE_ON_REFUSAL);
	rule->out->observe = load_is(rule->node, SET_SERVER_RULE_MODE, "observe");
}

void load_rule(struct load_rule *rule)
{
	if (rule->from_client)
		read_client(rule);
	else
		read_server(rule);
}
