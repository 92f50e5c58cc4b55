/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which message is it? See asyncapi.h.
 *
 *   find_discriminator   a property that all of a direction require, with other values in each
 *   make_lookup          those values, if they are texts
 *   contract_recognise   by that property and its schema, or the first whose schema holds
 */
#include "contract/asyncapi_load.h"

/* --- what tells messages apart */

static const struct json_node *property_schema(const struct contract_message *m,
					       const struct json_node *payload, struct slice name)
{
	(void)m;
	return json_member(json_member_typed(payload, SLICE("properties"), JSON_OBJECT), name);
}

bool asyncapi_requires(const struct json_node *payload, struct slice name)
{
	const struct json_node *required =
		json_member_typed(payload, SLICE("required"), JSON_ARRAY);

	if (required)
		JSON_EACH (item_node, required)
			if (slice_eq(json_string(item_node), name))
				return true;
	return false;
}

/* The values that the property may have in this message; none when it does not say. */
static uint32_t values_of(struct load *l, const struct json_node *property,
			  const struct json_node ***out)
{
	const struct json_node *one = json_member(property, SLICE("const"));
	const struct json_node *several = json_member_typed(property, SLICE("enum"), JSON_ARRAY);
	uint32_t count = one ? 1 : json_count(several);

	*out = arena_calloc(l->arena, count ? count : 1, sizeof(**out));
	if (!*out || !count)
		return 0;
	if (one) {
		(*out)[0] = one;
		return 1;
	}
	uint32_t i = 0;
	JSON_EACH (item_node, several)
		(*out)[i++] = item_node;
	return count;
}

static bool disjoint(const struct contract_message *a, const struct contract_message *b)
{
	for (uint32_t x = 0; x < a->value_count; x++)
		for (uint32_t y = 0; y < b->value_count; y++)
			if (json_equal(a->values[x], b->values[y]))
				return false;
	return true;
}

static void forget_values(struct load *l, bool from_client)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->messages[i].from_client == from_client)
			l->messages[i].value_count = 0;
}

/* Does this property tell all messages of the direction apart? Fills in their values. */
static bool discriminates(struct load *l, struct slice name, bool from_client)
{
	const struct json_node **payloads = l->payloads;

	for (size_t i = 0; i < l->count; i++) {
		struct contract_message *m = &l->messages[i];
		/* Binary messages are told apart by their frames. */
		if (m->from_client != from_client || m->content == CONTRACT_BINARY)
			continue;
		if (m->content != CONTRACT_JSON || !payloads[i] ||
		    !asyncapi_requires(payloads[i], name))
			return false;
		m->value_count = values_of(l, property_schema(m, payloads[i], name), &m->values);
		if (!m->value_count)
			return false;
		for (size_t k = 0; k < i; k++)
			if (l->messages[k].from_client == from_client &&
			    !disjoint(&l->messages[k], m))
				return false;
	}
	return true;
}

static struct slice find_discriminator(struct load *l, bool from_client)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->messages[i].from_client != from_client ||
		    l->messages[i].content == CONTRACT_BINARY)
			continue;
		const struct json_node *properties =
			json_member_typed(l->payloads[i], SLICE("properties"), JSON_OBJECT);
		if (properties)
			JSON_EACH_MEMBER (key, properties) {
				if (discriminates(l, json_string(key), from_client))
					return json_string(key);
				forget_values(l, from_client);
			}
		break; /* it would have to be in the first one as well */
	}
	return slice_of(NULL, 0);
}

/* Where all values are texts, a table of them. */
static void make_lookup(struct load *l, bool from_client, struct slice property,
			struct contract_lookup *out)
{
	uint32_t values = 0, slots = 2;

	*out = (struct contract_lookup){.property = json_name(property)};
	for (size_t i = 0; i < l->count; i++) {
		const struct contract_message *m = &l->messages[i];
		for (uint32_t v = 0; m->from_client == from_client && v < m->value_count; v++)
			if (json_type(m->values[v]) != JSON_STRING)
				return;
		values += m->from_client == from_client ? m->value_count : 0;
	}
	while (slots < values * 2)
		slots *= 2;
	struct contract_lookup_slot *table = arena_calloc(l->arena, slots, sizeof(*table));
	if (!table)
		return;
	out->slots = table;
	out->mask = slots - 1;
	for (size_t i = 0; i < l->count; i++) {
		const struct contract_message *m = &l->messages[i];
		for (uint32_t v = 0; m->from_client == from_client && v < m->value_count; v++) {
			struct slice value = json_string(m->values[v]);
			uint32_t hash = json_key_hash(value), at = hash & out->mask;
			while (table[at].value.data)
				at = (at + 1) & out->mask;
			table[at] = (struct contract_lookup_slot){value, hash, m};
		}
	}
}

void asyncapi_tell_apart(struct load *l, struct contract *out)
{
	out->discriminator[0] = find_discriminator(l, true);
	out->discriminator[1] = find_discriminator(l, false);
	for (int server = 0; server < 2; server++)
		if (out->discriminator[server].len)
			make_lookup(l, !server, out->discriminator[server], &out->lookup[server]);
}

/* --- at run time */

static const struct contract_message *by_text(const struct contract_lookup *t, struct slice value)
{
	uint32_t hash = json_key_hash(value);

	for (uint32_t i = hash & t->mask; t->slots[i].value.data; i = (i + 1) & t->mask)
		if (t->slots[i].hash == hash && t->slots[i].value.len == value.len &&
		    slice_same(t->slots[i].value.data, value.data, value.len))
			return t->slots[i].message;
	return NULL;
}

const struct contract_message *contract_named(const struct contract *c, bool from_client,
					      const struct json_node *value)
{
	const struct contract_lookup *lookup = &c->lookup[from_client ? 0 : 1];
	const struct json_node *says = json_member_named(value, &lookup->property);

	if (lookup->slots)
		return json_type(says) == JSON_STRING ? by_text(lookup, json_string(says)) : NULL;
	for (size_t i = 0; i < c->count; i++) {
		const struct contract_message *m = &c->messages[i];
		if (m->from_client != from_client)
			continue;
		for (uint32_t v = 0; v < m->value_count; v++)
			if (json_equal(m->values[v], says))
				return m;
	}
	return NULL;
}

const struct contract_message *contract_recognise(const struct contract *c, bool from_client,
						  const struct json_node *value,
						  struct schema_room *room, bool *known,
						  struct schema_failure *failure)
{
	struct slice decides = c->discriminator[from_client ? 0 : 1];
	size_t candidates = 0;

	*known = false;
	if (decides.len) {
		const struct contract_message *m = contract_named(c, from_client, value);
		*known = m != NULL;
		return m && schema_validate(m->schema, value, room, failure) ? m : NULL;
	}
	for (size_t i = 0; i < c->count; i++) {
		const struct contract_message *m = &c->messages[i];
		if (m->from_client != from_client || m->content == CONTRACT_BINARY)
			continue;
		candidates++;
		if (!m->schema || schema_validate(m->schema, value, room, failure))
			return m;
	}
	/* With one candidate it is that one, and wrong; with several it is none of them. */
	*known = candidates == 1;
	return NULL;
}
