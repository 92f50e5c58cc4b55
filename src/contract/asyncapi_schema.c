/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a channel's messages are, and what its handshake may carry: each with its schema, compiled
 * where it stands; see asyncapi_load.h.
 */
#include <string.h>

#include "contract/asyncapi_load.h"

/* --- one message */

static struct slice from_traits(struct load *l, const struct place *message, struct slice name)
{
	struct place traits = asyncapi_child(l, message, SLICE("traits"));

	for (uint32_t i = 0; i < json_count(traits.node); i++) {
		struct place trait = asyncapi_follow(l, asyncapi_item(l, &traits, i));
		struct slice value = text_of(l, &trait, name);
		if (value.len)
			return value;
	}
	return slice_of(NULL, 0);
}

static enum contract_content content_of(struct load *l, const struct place *message)
{
	struct slice type = text_of(l, message, SLICE("contentType"));

	if (!type.len)
		type = from_traits(l, message, SLICE("contentType"));
	if (!type.len)
		type = l->default_content;
	type = slice_trim(slice_first(type, slice_index(type, ';')));
	if (!type.len || slice_eq_icase(type, SLICE("application/json")) ||
	    slice_ends_with(type, SLICE("+json")))
		return CONTRACT_JSON;
	return slice_starts_with(type, SLICE("text/")) ? CONTRACT_TEXT : CONTRACT_BINARY;
}

/* AsyncAPI's own schemas are a superset of draft-07. */
static bool draft_of(struct slice format, enum schema_draft *draft)
{
	*draft = SCHEMA_DRAFT_07;
	if (!format.len || slice_starts_with(format, SLICE("application/vnd.aai.asyncapi")))
		return true;
	if (!slice_starts_with(format, SLICE("application/schema+json")) &&
	    !slice_starts_with(format, SLICE("application/schema+yaml")))
		return false;
	if (memmem(format.data, format.len, "2020-12", 7))
		*draft = SCHEMA_2020_12;
	return true;
}

struct resolving {
	struct load *load;
};

static const struct json_node *resolve(void *with, struct slice uri)
{
	const struct resolving *r = with;
	return r->load->source->document(r->load->source->with, uri);
}

static bool compile(struct load *l, struct place payload, struct slice format,
		    struct contract_message *m)
{
	struct resolving *with = arena_alloc(l->arena, sizeof(*with));
	struct schema_options options = {
		.formats = true, .resolve = resolve, .with = with, .scratch = &l->scratch};
	struct schema_error *error = arena_alloc(l->arena, sizeof(*error));

	/* 3.0's form that names its own language. */
	struct place inner = asyncapi_child(l, &payload, SLICE("schema"));
	if (l->version_3 && inner.node && text_of(l, &payload, SLICE("schemaFormat")).len) {
		format = text_of(l, &payload, SLICE("schemaFormat"));
		payload = inner;
	}
	if (!with || !error)
		return false;
	with->load = l;
	arena_reset(&l->scratch);
	/* Avro and the like: such a message is no JSON, so it can only be a binary one. */
	if (!draft_of(format, &options.draft)) {
		m->content = CONTRACT_BINARY;
		return true;
	}
	int r = schema_compile_at(payload.root, payload.pointer, payload.uri, &options, l->arena,
				  &m->schema, error);
	if (r == 0)
		return true;
	if (r == SCHEMA_REFUSED) {
		l->failed = true;
		*l->error = (struct contract_error){
			.document =
				error->document[0] ? slice_from_cstr(error->document) : payload.uri,
			.pointer = slice_from_cstr(error->pointer),
			.sentence = slice_from_cstr(error->sentence)};
	} else {
		l->no_memory = true;
	}
	return false;
}

/* The schema itself, for looking into its properties. */
static const struct json_node *payload_node(struct load *l, struct place payload)
{
	struct place inner = asyncapi_child(l, &payload, SLICE("schema"));

	if (l->version_3 && inner.node && text_of(l, &payload, SLICE("schemaFormat")).len)
		payload = inner;
	return asyncapi_follow(l, payload).node;
}

static bool have(const struct load *l, struct slice id, bool from_client)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->messages[i].from_client == from_client && slice_eq(l->messages[i].id, id))
			return true;
	return false;
}

void asyncapi_add_message(struct load *l, struct place at, struct slice id, bool from_client)
{
	struct place message = asyncapi_follow(l, at);

	if (!message.node)
		return;
	if (!l->version_3 && text_of(l, &message, SLICE("messageId")).len)
		id = text_of(l, &message, SLICE("messageId"));
	else if (!l->version_3 && text_of(l, &message, SLICE("name")).len)
		id = text_of(l, &message, SLICE("name"));
	if (!id.len)
		id = asyncapi_name_in_ref(text_of(l, &at, SLICE("$ref")));
	if (!id.len)
		id = arena_printf(l->arena, "message%zu", l->count + 1);
	if (have(l, id, from_client != l->describes_client))
		return;
	if (l->count == CONTRACT_MESSAGES_MAX) {
		asyncapi_fail_at(l, &at, SLICE("too many messages in one channel"));
		return;
	}
	struct contract_message *m = &l->messages[l->count];
	*m = (struct contract_message){.id = id,
				       .from_client = from_client != l->describes_client,
				       .content = content_of(l, &message)};
	struct place payload = asyncapi_child(l, &message, SLICE("payload"));
	if (payload.node && m->content != CONTRACT_BINARY &&
	    !compile(l, payload, text_of(l, &message, SLICE("schemaFormat")), m))
		return;
	if (m->content != CONTRACT_BINARY)
		l->payloads[l->count] = payload_node(l, payload);
	l->count++;
}

/* --- what a handshake may carry: parameters, and the channel's binding `ws` */

static const struct schema *compile_value(struct load *l, struct place schema)
{
	struct contract_message m = {0};

	return schema.node && compile(l, schema, slice_of(NULL, 0), &m) ? m.schema : NULL;
}

/* Room for a value per member of the object. */
static struct contract_value *values_room(struct load *l, const struct place *object)
{
	if (json_type(object->node) != JSON_OBJECT || !json_count(object->node))
		return NULL;
	return arena_calloc(l->arena, json_count(object->node), sizeof(struct contract_value));
}

/* 2.x has a schema for each parameter, 3.0 a list of the values that there are. */
static void read_parameters(struct load *l, const struct place *channel,
			    struct contract_values *out)
{
	struct place parameters = asyncapi_child(l, channel, SLICE("parameters"));
	struct contract_value *values = values_room(l, &parameters);

	if (!values)
		return;
	out->items = values;
	JSON_EACH_MEMBER (key, parameters.node) {
		struct place p =
			asyncapi_follow(l, asyncapi_child(l, &parameters, json_string(key)));
		values[out->count++] = (struct contract_value){
			.name = json_string(key),
			.required = true,
			.schema = compile_value(l, asyncapi_child(l, &p, SLICE("schema"))),
			.values = json_member_typed(p.node, SLICE("enum"), JSON_ARRAY),
		};
	}
}

/* A schema of an object with texts as members: each by itself, because what comes in a query or
 * a head is text, and which type it stands for only its own schema says. */
static void read_members(struct load *l, struct place schema, struct contract_values *out)
{
	struct place object = asyncapi_follow(l, schema);
	struct place properties = asyncapi_child(l, &object, SLICE("properties"));
	struct contract_value *values = values_room(l, &properties);

	if (!values)
		return;
	out->items = values;
	JSON_EACH_MEMBER (key, properties.node)
		values[out->count++] = (struct contract_value){
			.name = json_string(key),
			.required = asyncapi_requires(object.node, json_string(key)),
			.schema =
				compile_value(l, asyncapi_child(l, &properties, json_string(key))),
		};
}

void asyncapi_read_handshake(struct load *l, const struct place *channel, struct contract *out)
{
	struct place bindings = asyncapi_follow(l, asyncapi_child(l, channel, SLICE("bindings")));
	struct place ws = asyncapi_follow(l, asyncapi_child(l, &bindings, SLICE("ws")));
	struct slice method = text_of(l, &ws, SLICE("method"));

	if (method.len && !slice_eq(method, SLICE("GET")))
		asyncapi_fail_at(l, &ws,
				 SLICE("a WebSocket is opened with GET, and with no other method"));
	read_parameters(l, channel, &out->parameters);
	read_members(l, asyncapi_child(l, &ws, SLICE("query")), &out->query);
	read_members(l, asyncapi_child(l, &ws, SLICE("headers")), &out->headers);
}
