/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The contract of a channel, read from an AsyncAPI document (3.0, and 2.0 to 2.6).
 *
 *   document (JSON tree) --asyncapi_load--> struct contract: messages with their schemas
 *                                                |
 *   message (JSON tree) --contract_recognise-----+--> which one it is, or none
 *
 * The document describes the application: what it receives (`receive`, in 2.x `publish`)
 * clients may send; what it sends (`send`, `subscribe`) it may send.
 *
 * A message is recognised by the schema it satisfies. Where all candidates of a direction
 * require a property with a different `const` (or `enum`) each, that property decides in
 * one look-up and only that one schema is tried.
 *
 * Documents come from the caller (files, never the network); everything lies in the arena.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "contract/schema.h"
#include "json/value.h"

enum {
	CONTRACT_MESSAGES_MAX = 2048, /* in one channel, both directions */
	CONTRACT_REFS_MAX = 32,      /* that lead from one to the next */
	CONTRACT_REFUSED = 1,        /* outcome of asyncapi_load */
};

enum contract_content {
	CONTRACT_JSON = 0, /* text frames; the schema judges the JSON value */
	CONTRACT_TEXT,     /* text frames; the schema judges one JSON string */
	CONTRACT_BINARY,   /* binary frames; only size and rate apply */
};

struct contract_message {
	struct slice id;
	bool from_client;
	enum contract_content content;
	const struct schema *schema; /* NULL: anything (binary, or no payload given) */
	/* Values of the direction's discriminating property that mean this message. */
	const struct json_node **values;
	uint32_t value_count;
};

/* The text values of a discriminator: open addressing, at most half of the slots used. */
struct contract_lookup {
	const struct contract_lookup_slot *slots; /* NULL: some value is no text */
	uint32_t mask;
	struct json_name property; /* the discriminator */
};

struct contract_lookup_slot {
	struct slice value; /* data NULL: free */
	uint32_t hash;
	const struct contract_message *message;
};

/* What a handshake may carry: a parameter of the path, of the query, a header field. */
struct contract_value {
	struct slice name;
	bool required;
	const struct schema *schema;    /* NULL: any, unless there are `values` */
	const struct json_node *values; /* array of texts; NULL: any */
};

struct contract_values {
	const struct contract_value *items;
	size_t count;
};

struct contract {
	struct slice channel;
	struct contract_values parameters;     /* of the channel */
	struct contract_values query, headers; /* of its binding `ws` */
	const struct contract_message *messages;
	size_t count;
	/* Per direction (0: from clients): the property that decides; empty: none does. */
	struct slice discriminator[2];
	struct contract_lookup lookup[2];
};

struct contract_error {
	struct slice document; /* its URI */
	struct slice pointer;  /* JSON Pointer in it */
	struct slice sentence;
	struct slice suggestion; /* a name that was perhaps meant; may be empty */
};

struct contract_source {
	/* The document with that absolute URI, or NULL. Lives as long as the contract. */
	const struct json_node *(*document)(void *with, struct slice uri);
	void *with;
};

/*
 * Loads the channel of the document at `uri`. channel: a name below `channels`, or an address
 * (a route's path, `/chat/{room}`; the parameters' names do not matter); empty when the
 * document has only one. describes_client turns the directions round. Returns 0,
 * CONTRACT_REFUSED with *error (in the arena), or -ENOMEM.
 */
int asyncapi_load(const struct contract_source *source, struct slice uri, struct slice channel,
		  bool describes_client, struct arena *arena, struct contract *out,
		  struct contract_error *error) __attribute__((warn_unused_result));

/*
 * The message that the direction's discriminator names, whatever else the value is; NULL when
 * it names none. One look-up where the discriminator's values are texts. Only for a direction
 * that has a discriminator.
 */
const struct contract_message *contract_named(const struct contract *c, bool from_client,
					      const struct json_node *value);

/*
 * Which message of that direction is it? NULL when none fits; then *known is true if the
 * discriminator named one that it is not (its schema failed: *failure), false if no message
 * is like that. text: the value of a text message that is no JSON, as a JSON string.
 */
const struct contract_message *contract_recognise(const struct contract *c, bool from_client,
						  const struct json_node *value,
						  struct schema_room *room, bool *known,
						  struct schema_failure *failure);
