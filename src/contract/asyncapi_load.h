/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A channel on its way from the document to the contract. Private to src/contract.
 *
 *   asyncapi.c            walks the document: the channel, its operations, their messages' places
 *     asyncapi_schema.c   what is at such a place: a message, a value of the handshake
 *   asyncapi_recognise.c  what tells the messages apart, now and when they come
 *
 * A `place` is a node with the way to it, so that a payload's schema can be compiled where it
 * stands, with its own references. Only the first error counts; no reference is followed once
 * `failed` is set.
 */
#include "contract/asyncapi.h"

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

static inline struct place none(void)
{
	return (struct place){.node = NULL};
}

/* The text member of that name; empty: there is none. */
static inline struct slice text_of(struct load *l, const struct place *p, struct slice name)
{
	(void)l;
	return json_string(json_member_typed(p->node, name, JSON_STRING));
}

/* --- asyncapi.c */

/* Only the first error counts. The sentence lives as long as the arena. */
void asyncapi_fail_at(struct load *l, const struct place *p, struct slice sentence);

/* The member of that name, the item of that number; none() where there is none. */
struct place asyncapi_child(struct load *l, const struct place *p, struct slice name);
struct place asyncapi_item(struct load *l, const struct place *p, uint32_t index);

/* Follows `$ref` until something else is there. */
struct place asyncapi_follow(struct load *l, struct place p);

/* The last piece of a reference: what a message is called where it has no other name. */
struct slice asyncapi_name_in_ref(struct slice ref);

/* --- asyncapi_schema.c */

/* The message at that place, once for each direction. id: empty if only its own name counts. */
void asyncapi_add_message(struct load *l, struct place at, struct slice id, bool from_client);

/* The channel's parameters, and what its binding `ws` says of the query and the head. */
void asyncapi_read_handshake(struct load *l, const struct place *channel, struct contract *out);

/* --- asyncapi_recognise.c */

/* The object's schema says that the member has to be there. */
bool asyncapi_requires(const struct json_node *payload, struct slice name);

/* All messages are known: what tells those of each direction apart, and a table of it. */
void asyncapi_tell_apart(struct load *l, struct contract *out);
