/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AsyncAPI to messages; see asyncapi.h. A `place` is a node with the way to it, so that a
 * payload's schema can be compiled where it stands, with its own references.
 */
#include "contract/asyncapi.h"

#include <errno.h>

#include "base/buf.h"
#include "contract/uri.h"
#include "json/pointer.h"

enum { POINTER_BYTES = 1024, SCRATCH_BLOCK = 64 * 1024, SCRATCH_MAX = 256 * 1024 * 1024 };

struct place {
	struct slice uri; /* of the document */
	const struct json_node *root, *node;
	struct slice pointer;
};

struct load {
	const struct contract_source *source;
	struct arena *arena;
	struct arena scratch; /* of the compiler, for one schema */
	struct contract_error *error;
	bool failed, no_memory;
	bool version_3;
	bool describes_client;
	struct place document;
	struct slice default_content;
	struct contract_message *messages;
	const struct json_node **payloads; /* of the messages, references followed */
	size_t count;
};

static struct place none(void)
{
	return (struct place){.node = NULL};
}

static void fail_at(struct load *l, const struct place *p, struct slice sentence)
{
	if (l->failed)
		return;
	l->failed = true;
	*l->error = (struct contract_error){
		.document = p->uri, .pointer = p->pointer, .sentence = sentence};
}

/* --- walking */

static struct place child(struct load *l, const struct place *p, struct slice name)
{
	const struct json_node *node =
		json_type(p->node) == JSON_OBJECT ? json_member(p->node, name) : NULL;
	char room[POINTER_BYTES];
	struct buf b = {.data = room, .cap = sizeof(room), .max = sizeof(room)};

	if (!node)
		return none();
	if (buf_append(&b, p->pointer) || json_pointer_append(&b, name)) {
		fail_at(l, p, SLICE("nested too deep"));
		return none();
	}
	struct place out = {.uri = p->uri, .root = p->root, .node = node};
	out.pointer = arena_copy(l->arena, buf_slice(&b));
	return out;
}

static struct place item(struct load *l, const struct place *p, uint32_t index)
{
	const struct json_node *node =
		json_type(p->node) == JSON_ARRAY ? json_item(p->node, index) : NULL;

	if (!node)
		return none();
	struct place out = {.uri = p->uri, .root = p->root, .node = node};
	out.pointer = arena_printf(l->arena, "%.*s/%u", SLICE_ARG(p->pointer), index);
	return out;
}

static struct slice text_of(struct load *l, const struct place *p, struct slice name)
{
	(void)l;
	return json_string(json_member_typed(p->node, name, JSON_STRING));
}

static struct place refer(struct load *l, const struct place *from, struct slice ref)
{
	size_t hash = slice_index(ref, '#');
	struct slice file = slice_first(ref, hash), fragment = slice_from(ref, hash + 1);
	struct place to = {.uri = from->uri, .root = from->root};

	if (file.len) {
		to.uri = uri_resolve(from->uri, file, l->arena);
		to.root = to.uri.data ? l->source->document(l->source->with, to.uri) : NULL;
		if (!to.root) {
			fail_at(l, from,
				arena_printf(l->arena, "`$ref`: there is no document %.*s",
					     SLICE_ARG(ref)));
			return none();
		}
	}
	/* Pointers may be escaped: #/channels/~1chat%7Broom%7D */
	to.pointer = uri_decode(fragment, l->arena);
	to.node = json_pointer_get(to.root, to.pointer);
	if (!to.node)
		fail_at(l, from,
			arena_printf(l->arena, "`$ref`: there is nothing at %.*s", SLICE_ARG(ref)));
	return to;
}

/* Follows `$ref` until something else is there. */
static struct place follow(struct load *l, struct place p)
{
	for (int i = 0; p.node && !l->failed; i++) {
		struct slice ref = text_of(l, &p, SLICE("$ref"));
		if (!ref.len)
			return p;
		if (i == CONTRACT_REFS_MAX) {
			fail_at(l, &p, SLICE("`$ref` leads round in a circle"));
			break;
		}
		p = refer(l, &p, ref);
	}
	return l->failed ? none() : p;
}

/* The last piece of a reference: what a message is called where it has no other name. */
static struct slice name_in_ref(struct slice ref)
{
	for (size_t i = ref.len; i > 0; i--)
		if (ref.data[i - 1] == '/')
			return slice_from(ref, i);
	return slice_of(NULL, 0);
}

/* --- one message */

static struct slice from_traits(struct load *l, const struct place *message, struct slice name)
{
	struct place traits = child(l, message, SLICE("traits"));

	for (uint32_t i = 0; i < json_count(traits.node); i++) {
		struct place trait = follow(l, item(l, &traits, i));
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
	struct place inner = child(l, &payload, SLICE("schema"));
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
	struct place inner = child(l, &payload, SLICE("schema"));

	if (l->version_3 && inner.node && text_of(l, &payload, SLICE("schemaFormat")).len)
		payload = inner;
	return follow(l, payload).node;
}

static bool have(const struct load *l, struct slice id, bool from_client)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->messages[i].from_client == from_client && slice_eq(l->messages[i].id, id))
			return true;
	return false;
}

static void add_message(struct load *l, struct place at, struct slice id, bool from_client)
{
	struct place message = follow(l, at);

	if (!message.node)
		return;
	if (!l->version_3 && text_of(l, &message, SLICE("messageId")).len)
		id = text_of(l, &message, SLICE("messageId"));
	else if (!l->version_3 && text_of(l, &message, SLICE("name")).len)
		id = text_of(l, &message, SLICE("name"));
	if (!id.len)
		id = name_in_ref(text_of(l, &at, SLICE("$ref")));
	if (!id.len)
		id = arena_printf(l->arena, "message%zu", l->count + 1);
	if (have(l, id, from_client != l->describes_client))
		return;
	if (l->count == CONTRACT_MESSAGES_MAX) {
		fail_at(l, &at, SLICE("too many messages in one channel"));
		return;
	}
	struct contract_message *m = &l->messages[l->count];
	*m = (struct contract_message){.id = id,
				       .from_client = from_client != l->describes_client,
				       .content = content_of(l, &message)};
	struct place payload = child(l, &message, SLICE("payload"));
	if (payload.node && m->content != CONTRACT_BINARY &&
	    !compile(l, payload, text_of(l, &message, SLICE("schemaFormat")), m))
		return;
	if (m->content != CONTRACT_BINARY)
		l->payloads[l->count] = payload_node(l, payload);
	l->count++;
}

/* --- channels */

/* "/chat/{room}" and "chat/{id}" are the same address. */
static bool same_address(struct slice a, struct slice b)
{
	bool more_a = true, more_b = true;
	struct slice x, y;

	if (a.len && a.data[0] == '/')
		a = slice_from(a, 1);
	if (b.len && b.data[0] == '/')
		b = slice_from(b, 1);
	while (slice_next(&a, &more_a, '/', &x)) {
		if (!slice_next(&b, &more_b, '/', &y))
			return false;
		bool parameter = x.len && x.data[0] == '{' && y.len && y.data[0] == '{';
		if (!parameter && !slice_eq(x, y))
			return false;
	}
	return !more_b;
}

static struct slice address_of(struct load *l, const struct place *channel, struct slice name)
{
	struct slice address = l->version_3 ? text_of(l, channel, SLICE("address")) : name;
	return address.len ? address : name;
}

static struct place find_channel(struct load *l, struct slice wanted, struct slice *name)
{
	struct place channels = child(l, &l->document, SLICE("channels"));
	struct place found = none();

	if (json_type(channels.node) != JSON_OBJECT) {
		fail_at(l, &l->document, SLICE("the document has no channels"));
		return none();
	}
	if (slice_starts_with(wanted, SLICE("/channels/")) &&
	    json_pointer_get(l->document.root, wanted)) {
		found = (struct place){.uri = l->document.uri,
				       .root = l->document.root,
				       .node = json_pointer_get(l->document.root, wanted),
				       .pointer = wanted};
		*name = name_in_ref(wanted);
		return follow(l, found);
	}
	JSON_EACH_MEMBER (key, channels.node) {
		struct slice this_name = json_string(key);
		struct place channel = follow(l, child(l, &channels, this_name));
		bool fits = !wanted.len || slice_eq(this_name, wanted) ||
			    same_address(address_of(l, &channel, this_name), wanted);
		if (!channel.node || !fits)
			continue;
		if (found.node) {
			fail_at(l, &channels,
				SLICE("several channels fit: name one with #/channels/name"));
			return none();
		}
		found = channel;
		*name = this_name;
		if (slice_eq(this_name, wanted))
			break;
	}
	if (!found.node)
		fail_at(l, &channels,
			arena_printf(l->arena, "no channel is called or has the address %.*s",
				     SLICE_ARG(slice_first(wanted, 120))));
	return found;
}

/* --- 2.x: publish and subscribe of the channel */

static void add_operation_2(struct load *l, const struct place *channel, struct slice operation,
			    bool from_client)
{
	struct place op = follow(l, child(l, channel, operation));
	struct place message = child(l, &op, SLICE("message"));
	struct place several = child(l, &message, SLICE("oneOf"));

	if (several.node)
		for (uint32_t i = 0; i < json_count(several.node); i++)
			add_message(l, item(l, &several, i), slice_of(NULL, 0), from_client);
	else if (message.node)
		add_message(l, message, slice_of(NULL, 0), from_client);
}

/* --- 3.0: operations that name the channel */

/* The key of the channel's message that is the same node. */
static struct slice message_key(struct load *l, const struct place *channel,
				const struct json_node *node)
{
	struct place messages = child(l, channel, SLICE("messages"));

	if (json_type(messages.node) == JSON_OBJECT)
		JSON_EACH_MEMBER (key, messages.node) {
			const struct json_node *value = json_value_of(key);
			bool refers = json_type(value) == JSON_OBJECT &&
				      json_member(value, SLICE("$ref"));
			if (refers)
				value = follow(l, child(l, &messages, json_string(key))).node;
			if (value == node)
				return json_string(key);
		}
	return slice_of(NULL, 0);
}

static void add_all(struct load *l, const struct place *channel, bool from_client)
{
	struct place messages = child(l, channel, SLICE("messages"));

	if (json_type(messages.node) != JSON_OBJECT)
		return;
	JSON_EACH_MEMBER (key, messages.node)
		add_message(l, child(l, &messages, json_string(key)), json_string(key),
			    from_client);
}

static void add_listed(struct load *l, const struct place *owner, const struct place *channel,
		       bool from_client)
{
	struct place list = child(l, owner, SLICE("messages"));

	if (!list.node) {
		add_all(l, channel, from_client);
		return;
	}
	for (uint32_t i = 0; i < json_count(list.node); i++) {
		struct place at = item(l, &list, i);
		struct place message = follow(l, at);
		if (message.node)
			add_message(l, at, message_key(l, channel, message.node), from_client);
	}
}

static void add_operation_3(struct load *l, const struct place *op, const struct place *channel)
{
	struct slice action = text_of(l, op, SLICE("action"));
	struct place target = follow(l, child(l, op, SLICE("channel")));
	bool receives = slice_eq(action, SLICE("receive"));

	if (!receives && !slice_eq(action, SLICE("send"))) {
		fail_at(l, op, SLICE("the action is neither send nor receive"));
		return;
	}
	if (target.node == channel->node)
		add_listed(l, op, channel, receives);
	struct place reply = follow(l, child(l, op, SLICE("reply")));
	if (!reply.node)
		return;
	struct place reply_channel = follow(l, child(l, &reply, SLICE("channel")));
	bool here = reply_channel.node ? reply_channel.node == channel->node
				       : target.node == channel->node;
	if (here && child(l, &reply, SLICE("messages")).node)
		add_listed(l, &reply, channel, !receives);
	else if (here && reply_channel.node && reply_channel.node != target.node)
		add_all(l, channel, !receives);
}

static void add_operations_3(struct load *l, const struct place *channel)
{
	struct place operations = child(l, &l->document, SLICE("operations"));

	if (json_type(operations.node) != JSON_OBJECT)
		return;
	JSON_EACH_MEMBER (key, operations.node) {
		struct place op = follow(l, child(l, &operations, json_string(key)));
		if (op.node)
			add_operation_3(l, &op, channel);
	}
}

/* --- what a handshake may carry: parameters, and the channel's binding `ws` */

static const struct schema *compile_value(struct load *l, struct place schema)
{
	struct contract_message m = {0};

	return schema.node && compile(l, schema, slice_of(NULL, 0), &m) ? m.schema : NULL;
}

static bool requires(const struct json_node *payload, struct slice name);

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
	struct place parameters = child(l, channel, SLICE("parameters"));
	struct contract_value *values = values_room(l, &parameters);

	if (!values)
		return;
	out->items = values;
	JSON_EACH_MEMBER (key, parameters.node) {
		struct place p = follow(l, child(l, &parameters, json_string(key)));
		values[out->count++] = (struct contract_value){
			.name = json_string(key),
			.required = true,
			.schema = compile_value(l, child(l, &p, SLICE("schema"))),
			.values = json_member_typed(p.node, SLICE("enum"), JSON_ARRAY),
		};
	}
}

/* A schema of an object with texts as members: each by itself, because what comes in a query or
 * a head is text, and which type it stands for only its own schema says. */
static void read_members(struct load *l, struct place schema, struct contract_values *out)
{
	struct place object = follow(l, schema);
	struct place properties = child(l, &object, SLICE("properties"));
	struct contract_value *values = values_room(l, &properties);

	if (!values)
		return;
	out->items = values;
	JSON_EACH_MEMBER (key, properties.node)
		values[out->count++] = (struct contract_value){
			.name = json_string(key),
			.required = requires(object.node, json_string(key)),
			.schema = compile_value(l, child(l, &properties, json_string(key))),
		};
}

static void read_handshake(struct load *l, const struct place *channel, struct contract *out)
{
	struct place bindings = follow(l, child(l, channel, SLICE("bindings")));
	struct place ws = follow(l, child(l, &bindings, SLICE("ws")));
	struct slice method = text_of(l, &ws, SLICE("method"));

	if (method.len && !slice_eq(method, SLICE("GET")))
		fail_at(l, &ws, SLICE("a WebSocket is opened with GET, and with no other method"));
	read_parameters(l, channel, &out->parameters);
	read_members(l, child(l, &ws, SLICE("query")), &out->query);
	read_members(l, child(l, &ws, SLICE("headers")), &out->headers);
}

/* --- what tells messages apart */

static const struct json_node *property_schema(const struct contract_message *m,
					       const struct json_node *payload, struct slice name)
{
	(void)m;
	return json_member(json_member_typed(payload, SLICE("properties"), JSON_OBJECT), name);
}

static bool requires(const struct json_node *payload, struct slice name)
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
		if (m->content != CONTRACT_JSON || !payloads[i] || !requires(payloads[i], name))
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

/* --- the whole */

static bool read_version(struct load *l)
{
	struct slice version = text_of(l, &l->document, SLICE("asyncapi"));

	l->version_3 = slice_starts_with(version, SLICE("3.0"));
	if (l->version_3 || slice_starts_with(version, SLICE("2.")))
		return true;
	fail_at(l, &l->document,
		version.len ? SLICE("`asyncapi` is neither 2.x nor 3.0")
			    : SLICE("this is no AsyncAPI document: `asyncapi: 3.0.0` is missing"));
	return false;
}

/* Finds the channel and adds its messages. */
static int read_channel(struct load *l, struct slice channel, struct slice *name,
			struct contract *out)
{
	if (!read_version(l))
		return CONTRACT_REFUSED;
	l->default_content = text_of(l, &l->document, SLICE("defaultContentType"));
	struct place found = find_channel(l, channel, name);
	if (found.node && l->version_3) {
		add_operations_3(l, &found);
	} else if (found.node) {
		add_operation_2(l, &found, SLICE("publish"), true);
		add_operation_2(l, &found, SLICE("subscribe"), false);
	}
	if (found.node)
		read_handshake(l, &found, out);
	if (l->arena->overflow || l->no_memory)
		return -ENOMEM;
	return l->failed ? CONTRACT_REFUSED : 0;
}

int asyncapi_load(const struct contract_source *source, struct slice uri, struct slice channel,
		  bool describes_client, struct arena *arena, struct contract *out,
		  struct contract_error *error)
{
	struct load l = {.source = source,
			 .arena = arena,
			 .error = error,
			 .describes_client = describes_client};
	struct slice name = {NULL, 0};

	*out = (struct contract){.count = 0};
	*error = (struct contract_error){.document = uri};
	l.document = (struct place){.uri = uri, .root = source->document(source->with, uri)};
	l.document.node = l.document.root;
	if (!l.document.root) {
		fail_at(&l, &l.document, SLICE("the document cannot be read"));
		return CONTRACT_REFUSED;
	}
	l.messages = arena_calloc(arena, CONTRACT_MESSAGES_MAX, sizeof(*l.messages));
	l.payloads = arena_calloc(arena, CONTRACT_MESSAGES_MAX, sizeof(*l.payloads));
	if (!l.messages || !l.payloads)
		return -ENOMEM;
	arena_init(&l.scratch, SCRATCH_BLOCK, SCRATCH_MAX);
	int r = read_channel(&l, channel, &name, out);
	arena_deinit(&l.scratch);
	if (r)
		return r;
	out->channel = name;
	out->messages = l.messages;
	out->count = l.count;
	out->discriminator[0] = find_discriminator(&l, true);
	out->discriminator[1] = find_discriminator(&l, false);
	for (int server = 0; server < 2; server++)
		if (out->discriminator[server].len)
			make_lookup(&l, !server, out->discriminator[server], &out->lookup[server]);
	return arena->overflow ? -ENOMEM : 0;
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
