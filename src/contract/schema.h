/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON Schema: a schema is compiled once, when the configuration is loaded, into an immutable
 * program; every message is checked by it.
 *
 *   schema (JSON) -> schema_compile -> struct schema -> schema_validate <- message (JSON)
 *                       |  refs                            |
 *                    resolver                          struct schema_room, one per thread
 *
 * Drafts: 2020-12, draft-07, and 2019-09 where a reference leads to one. docs/schema.md says
 * what is supported and where we differ.
 *
 * Validation allocates nothing once its room is warm, its recursion is bounded, and so is its
 * time: a budget of steps that grows with the size of the message. Whoever exceeds a bound is
 * refused, never let through (also below `not`).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "json/value.h"

enum schema_draft {
	SCHEMA_2020_12 = 0,
	SCHEMA_DRAFT_07,
	SCHEMA_2019_09, /* for references into such schemas: its own keywords, no metaschema */
};

/* schema_compile: the schema is refused, and *error says why. */
enum { SCHEMA_REFUSED = 1 };

struct schema;
struct schema_room;

struct schema_options {
	enum schema_draft draft; /* of what says no $schema itself */
	bool formats;            /* `format` is asserted in every draft, not only noted */
	bool strict;             /* an unknown keyword (but x-...) or format is an error */

	/* The document with that absolute URI (without fragment), or NULL; it must live as long as
	 * the schema. May be NULL. The official metaschemas need not be resolved. */
	const struct json_node *(*resolve)(void *with, struct slice uri);
	void *with;

	uint64_t cost_max; /* of schema_cost; 0 is SCHEMA_COST_MAX */

	/* For what is needed only while compiling: as much as the documents have values, so that
	 * whoever compiles many schemas of one document resets it in between. NULL: the arena. */
	struct arena *scratch;
};

/* Evaluations per value that a schema may ask for, unless the options say otherwise. */
enum { SCHEMA_COST_MAX = 100000 };

/* What is wrong with a schema: for people. */
struct schema_error {
	char document[256]; /* its URI; empty for the one that was compiled, if it has none */
	char pointer[256];  /* JSON Pointer in that document */
	char sentence[256];
};

/*
 * Compiles the schema whose document is `root`; `base` is the document's URI ("" if it has
 * none). The program lies in the arena and points into `root` and into what was resolved: all
 * must live as long as it is used. Returns 0, SCHEMA_REFUSED with *error filled in, or -ENOMEM.
 */
int schema_compile(const struct json_node *root, struct slice base,
		   const struct schema_options *options, struct arena *arena,
		   const struct schema **schema, struct schema_error *error)
	__attribute__((warn_unused_result));

/*
 * The part of the document that a JSON Pointer names as a schema of its own, with everything
 * else of the document to refer to: for schemas inside of other documents. Otherwise as
 * schema_compile.
 */
int schema_compile_at(const struct json_node *root, struct slice pointer, struct slice base,
		      const struct schema_options *options, struct arena *arena,
		      const struct schema **schema, struct schema_error *error)
	__attribute__((warn_unused_result));

/* At most so many evaluations does one value cause in its own place (its members and items
 * cause theirs); refused above options.cost_max. */
uint64_t schema_cost(const struct schema *s);

/* schema_validate_undeclared would never find a member: where the schema lists members it also says
 * what becomes of all others. */
bool schema_closed(const struct schema *s);

/* Subschemas in the program. */
uint32_t schema_count(const struct schema *s);

/* What validation needs beside the stack: memory for long objects and arrays, and for regular
 * expressions. One per thread; NULL without memory. The secret (may be NULL: for our own data) is
 * random, per process: with it nobody can choose items that collide. */
struct schema_room *schema_room_new(const struct siphash_key *secret);
void schema_room_free(struct schema_room *room);

struct schema_failure {
	const struct json_node *at; /* the value that is wrong */
	const char *keyword; /* that it violates, e.g. "maxLength"; static or in the schema */
	bool bound;          /* a bound of ours was hit: steps, depth, memory, regex */
	bool big;            /* JSON_IS_BIG, and nothing says `format: int64` */
};

/* Does the value satisfy the schema? If not, *failure (may be NULL) says what was found first.
 * The value's tape may come from any reader. */
bool schema_validate(const struct schema *s, const struct json_node *value,
		     struct schema_room *room, struct schema_failure *failure)
	__attribute__((warn_unused_result));

/*
 * The same, and when the value satisfies the schema *keys receives the members that it neither
 * names nor forbids: keys of objects for which some `properties`, `patternProperties`,
 * `additionalProperties` or `unevaluatedProperties` counts, but that none of them speaks of. In
 * an object for which the schema lists nothing, nothing is missing from the list; nor is
 * anything below a member that is itself in *keys. Branches of anyOf and the like count if they
 * hold. In the order of the text; valid until the room is used again.
 *
 * Integers that came with JSON_IS_BIG (json_limits.big_integers) are refused except where a schema
 * that holds for them says `format: int64`.
 */
bool schema_validate_undeclared(const struct schema *s, const struct json_node *value,
				struct schema_room *room, struct schema_failure *failure,
				const struct json_node *const **keys, uint32_t *count)
	__attribute__((warn_unused_result));
