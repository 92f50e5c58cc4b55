/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AsyncAPI to a contract; see asyncapi.h, and asyncapi_load.h for its parts.
 *
 *   find_channel          by its name, or by its address
 *     add_operation_2     2.x: publish and subscribe of the channel
 *     add_operations_3    3.0: operations that name the channel
 *       asyncapi_add_message
 *     asyncapi_read_handshake
 *   asyncapi_tell_apart
 */
#include "contract/asyncapi.h"

#include <errno.h>

#include "base/buf.h"
#include "contract/asyncapi_load.h"
#include "contract/uri.h"
#include "json/pointer.h"

enum { POINTER_BYTES = 1024, SCRATCH_BLOCK = 64 * 1024, SCRATCH_MAX = 256 * 1024 * 1024 };

void asyncapi_fail_at(struct load *l, const struct place *p, struct slice sentence)
{
	if (l->failed)
		return;
	l->failed = true;
	*l->error = (struct contract_error){
		.document = p->uri, .pointer = p->pointer, .sentence = sentence};
}

/* --- walking */

struct place asyncapi_child(struct load *l, const struct place *p, struct slice name)
{
	const struct json_node *node =
		json_type(p->node) == JSON_OBJECT ? json_member(p->node, name) : NULL;
	char room[POINTER_BYTES];
	struct buf b = {.data = room, .cap = sizeof(room), .max = sizeof(room)};

	if (!node)
		return none();
	if (buf_append(&b, p->pointer) || json_pointer_append(&b, name)) {
		asyncapi_fail_at(l, p, SLICE("nested too deep"));
		return none();
	}
	struct place out = {.uri = p->uri, .root = p->root, .node = node};
	out.pointer = arena_copy(l->arena, buf_slice(&b));
	return out;
}

struct place asyncapi_item(struct load *l, const struct place *p, uint32_t index)
{
	const struct json_node *node =
		json_type(p->node) == JSON_ARRAY ? json_item(p->node, index) : NULL;

	if (!node)
		return none();
	struct place out = {.uri = p->uri, .root = p->root, .node = node};
	out.pointer = arena_printf(l->arena, "%.*s/%u", SLICE_ARG(p->pointer), index);
	return out;
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
			asyncapi_fail_at(l, from,
					 arena_printf(l->arena, "`$ref`: there is no document %.*s",
						      SLICE_ARG(ref)));
			return none();
		}
	}
	/* Pointers may be escaped: #/channels/~1chat%7Broom%7D */
	to.pointer = uri_decode(fragment, l->arena);
	to.node = json_pointer_get(to.root, to.pointer);
	if (!to.node)
		asyncapi_fail_at(
			l, from,
			arena_printf(l->arena, "`$ref`: there is nothing at %.*s", SLICE_ARG(ref)));
	return to;
}

struct place asyncapi_follow(struct load *l, struct place p)
{
	for (int i = 0; p.node && !l->failed; i++) {
		struct slice ref = text_of(l, &p, SLICE("$ref"));
		if (!ref.len)
			return p;
		if (i == CONTRACT_REFS_MAX) {
			asyncapi_fail_at(l, &p, SLICE("`$ref` leads round in a circle"));
			break;
		}
		p = refer(l, &p, ref);
	}
	return l->failed ? none() : p;
}

struct slice asyncapi_name_in_ref(struct slice ref)
{
	for (size_t i = ref.len; i > 0; i--)
		if (ref.data[i - 1] == '/')
			return slice_from(ref, i);
	return slice_of(NULL, 0);
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
	struct place channels = asyncapi_child(l, &l->document, SLICE("channels"));
	struct place found = none();

	if (json_type(channels.node) != JSON_OBJECT) {
		asyncapi_fail_at(l, &l->document, SLICE("the document has no channels"));
		return none();
	}
	if (slice_starts_with(wanted, SLICE("/channels/")) &&
	    json_pointer_get(l->document.root, wanted)) {
		found = (struct place){.uri = l->document.uri,
				       .root = l->document.root,
				       .node = json_pointer_get(l->document.root, wanted),
				       .pointer = wanted};
		*name = asyncapi_name_in_ref(wanted);
		return asyncapi_follow(l, found);
	}
	JSON_EACH_MEMBER (key, channels.node) {
		struct slice this_name = json_string(key);
		struct place channel = asyncapi_follow(l, asyncapi_child(l, &channels, this_name));
		bool fits = !wanted.len || slice_eq(this_name, wanted) ||
			    same_address(address_of(l, &channel, this_name), wanted);
		if (!channel.node || !fits)
			continue;
		if (found.node) {
			asyncapi_fail_at(
				l, &channels,
				SLICE("several channels fit: name one with #/channels/name"));
			return none();
		}
		found = channel;
		*name = this_name;
		if (slice_eq(this_name, wanted))
			break;
	}
	if (!found.node)
		asyncapi_fail_at(l, &channels,
				 arena_printf(l->arena,
					      "no channel is called or has the address %.*s",
					      SLICE_ARG(slice_first(wanted, 120))));
	return found;
}

/* --- 2.x: publish and subscribe of the channel */

static void add_operation_2(struct load *l, const struct place *channel, struct slice operation,
			    bool from_client)
{
	struct place op = asyncapi_follow(l, asyncapi_child(l, channel, operation));
	struct place message = asyncapi_child(l, &op, SLICE("message"));
	struct place several = asyncapi_child(l, &message, SLICE("oneOf"));

	if (several.node)
		for (uint32_t i = 0; i < json_count(several.node); i++)
			asyncapi_add_message(l, asyncapi_item(l, &several, i), slice_of(NULL, 0),
					     from_client);
	else if (message.node)
		asyncapi_add_message(l, message, slice_of(NULL, 0), from_client);
}

/* --- 3.0: operations that name the channel */

/* The key of the channel's message that is the same node. */
static struct slice message_key(struct load *l, const struct place *channel,
				const struct json_node *node)
{
	struct place messages = asyncapi_child(l, channel, SLICE("messages"));

	if (json_type(messages.node) == JSON_OBJECT)
		JSON_EACH_MEMBER (key, messages.node) {
			const struct json_node *value = json_value_of(key);
			bool refers = json_type(value) == JSON_OBJECT &&
				      json_member(value, SLICE("$ref"));
			if (refers) {
				struct place at = asyncapi_child(l, &messages, json_string(key));
				value = asyncapi_follow(l, at).node;
			}
			if (value == node)
				return json_string(key);
		}
	return slice_of(NULL, 0);
}

static void add_all(struct load *l, const struct place *channel, bool from_client)
{
	struct place messages = asyncapi_child(l, channel, SLICE("messages"));

	if (json_type(messages.node) != JSON_OBJECT)
		return;
	JSON_EACH_MEMBER (key, messages.node)
		asyncapi_add_message(l, asyncapi_child(l, &messages, json_string(key)),
				     json_string(key), from_client);
}

static void add_listed(struct load *l, const struct place *owner, const struct place *channel,
		       bool from_client)
{
	struct place list = asyncapi_child(l, owner, SLICE("messages"));

	if (!list.node) {
		add_all(l, channel, from_client);
		return;
	}
	for (uint32_t i = 0; i < json_count(list.node); i++) {
		struct place at = asyncapi_item(l, &list, i);
		struct place message = asyncapi_follow(l, at);
		if (message.node)
			asyncapi_add_message(l, at, message_key(l, channel, message.node),
					     from_client);
	}
}

static void add_operation_3(struct load *l, const struct place *op, const struct place *channel)
{
	struct slice action = text_of(l, op, SLICE("action"));
	struct place target = asyncapi_follow(l, asyncapi_child(l, op, SLICE("channel")));
	bool receives = slice_eq(action, SLICE("receive"));

	if (!receives && !slice_eq(action, SLICE("send"))) {
		asyncapi_fail_at(l, op, SLICE("the action is neither send nor receive"));
		return;
	}
	if (target.node == channel->node)
		add_listed(l, op, channel, receives);
	struct place reply = asyncapi_follow(l, asyncapi_child(l, op, SLICE("reply")));
	if (!reply.node)
		return;
	struct place reply_channel =
		asyncapi_follow(l, asyncapi_child(l, &reply, SLICE("channel")));
	bool here = reply_channel.node ? reply_channel.node == channel->node
				       : target.node == channel->node;
	if (here && asyncapi_child(l, &reply, SLICE("messages")).node)
		add_listed(l, &reply, channel, !receives);
	else if (here && reply_channel.node && reply_channel.node != target.node)
		add_all(l, channel, !receives);
}

static void add_operations_3(struct load *l, const struct place *channel)
{
	struct place operations = asyncapi_child(l, &l->document, SLICE("operations"));

	if (json_type(operations.node) != JSON_OBJECT)
		return;
	JSON_EACH_MEMBER (key, operations.node) {
		struct place op =
			asyncapi_follow(l, asyncapi_child(l, &operations, json_string(key)));
		if (op.node)
			add_operation_3(l, &op, channel);
	}
}

/* --- the whole */

static bool read_version(struct load *l)
{
	struct slice version = text_of(l, &l->document, SLICE("asyncapi"));

	l->version_3 = slice_starts_with(version, SLICE("3.0"));
	if (l->version_3 || slice_starts_with(version, SLICE("2.")))
		return true;
	asyncapi_fail_at(
		l, &l->document,
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
		asyncapi_read_handshake(l, &found, out);
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
		asyncapi_fail_at(&l, &l.document, SLICE("the document cannot be read"));
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
	asyncapi_tell_apart(&l, out);
	return arena->overflow ? -ENOMEM : 0;
}
