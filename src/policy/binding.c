/* SPDX-License-Identifier: Apache-2.0 */
/* A handshake against the contract; see binding.h. */
#include "policy/binding.h"

#include "http/header.h"
#include "json/read.h"

struct judge {
	struct schema_room *room;
	struct arena *arena;
};

static bool listed(const struct json_node *values, struct slice text)
{
	JSON_EACH (item, values)
		if (slice_eq(json_string(item), text))
			return true;
	return false;
}

static bool satisfies(const struct judge *j, const struct schema *schema, struct slice text)
{
	static const struct json_limits limits = {.depth = 1, .members = 1, .values = 1};
	const struct json_node string = {
		.type = JSON_STRING, .data = text.len ? text.data : "", .len = (uint32_t)text.len};
	struct json_doc doc;

	if (schema_validate(schema, &string, j->room, NULL))
		return true;
	return json_read(text, &limits, j->arena, &doc) == REASON_NONE &&
	       (json_type(doc.root) == JSON_NUMBER || json_type(doc.root) == JSON_BOOL) &&
	       schema_validate(schema, doc.root, j->room, NULL);
}

static bool fits(const struct judge *j, const struct contract_value *v, struct slice text)
{
	if (text.len >= UINT32_MAX || (v->values && !listed(v->values, text)))
		return false;
	return !v->schema || satisfies(j, v->schema, text);
}

/* By its place: what the contract calls it does not matter, as in addresses. */
static bool parameters_fit(const struct judge *j, const struct contract_values *values,
			   const struct route_match *match)
{
	for (size_t i = 0; i < values->count; i++)
		for (size_t k = 0; k < match->param_count; k++)
			if (slice_eq(match->params[k].name, values->items[i].name) &&
			    !fits(j, &values->items[i], match->params[k].value))
				return false;
	return true;
}

/* Twice the same name is never right: which of the two counts depends on the reader. */
static bool query_fits(const struct judge *j, const struct contract_values *values,
		       struct slice query)
{
	for (size_t i = 0; i < values->count; i++) {
		struct slice text;
		enum http_find found =
			http_query_find(query, values->items[i].name, j->arena, &text);
		if (found == HTTP_FIND_NONE && !values->items[i].required)
			continue;
		if (found != HTTP_FIND_ONE || !fits(j, &values->items[i], text))
			return false;
	}
	return true;
}

static bool headers_fit(const struct judge *j, const struct contract_values *values,
			const struct http_head *head)
{
	for (size_t i = 0; i < values->count; i++) {
		struct slice text;
		size_t count = http_header_count(head, values->items[i].name);
		if (count == 0 && !values->items[i].required)
			continue;
		if (!http_header_single(head, values->items[i].name, &text) ||
		    !fits(j, &values->items[i], text))
			return false;
	}
	return true;
}

struct verdict binding_judge(const struct contract *contract, const struct route_match *match,
			     const struct http_target *target, const struct http_head *head,
			     struct arena *arena)
{
	struct judge j = {.arena = arena};
	struct verdict v = verdict_pass();

	if (!contract ||
	    !(contract->parameters.count || contract->query.count || contract->headers.count))
		return v;
	j.room = schema_room_new(NULL);
	if (!j.room)
		return verdict_refuse(REASON_OVERLOADED, "memory");
	if (!parameters_fit(&j, &contract->parameters, match))
		v = verdict_refuse(REASON_ROUTE_UNKNOWN, "the contract's parameter");
	else if (!query_fits(&j, &contract->query, target->query))
		v = verdict_refuse(REASON_HANDSHAKE_MALFORMED, "the contract's query");
	else if (!headers_fit(&j, &contract->headers, head))
		v = verdict_refuse(REASON_HANDSHAKE_MALFORMED, "the contract's headers");
	schema_room_free(j.room);
	return v;
}
