/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The compiler's state; for schema_*.c only.
 *
 *   schema_index.c    documents, $id, anchors: which schema does a reference mean
 *   schema_compile.c  keywords -> program; schema_parts.c and schema_other.c, see schema_unit.h
 *   schema_names.c    tables of names and words in it
 *   schema_short.c    short forms of its nodes
 *   schema_cost.c     may it cost too much
 *
 * Everything lies in the caller's arena. The first error stops it all: functions return NULL or
 * false once `failed` is set.
 */
#include "contract/schema_program.h"

/* Which keywords mean something: the draft's, less vocabularies that a metaschema leaves out. */
enum {
	VOCAB_APPLICATOR = 1,
	VOCAB_UNEVALUATED = 2,
	VOCAB_VALIDATION = 4,
	VOCAB_FORMAT = 8, /* asserted */
	VOCAB_USUAL = VOCAB_APPLICATOR | VOCAB_UNEVALUATED | VOCAB_VALIDATION,
};

struct dialect {
	enum schema_draft draft;
	unsigned vocab;
};

struct anchor {
	struct slice name;
	const struct json_node *node;
	bool dynamic;
	struct anchor *next;
};

struct resource {
	struct slice uri; /* without fragment; may be empty */
	struct document *document;
	const struct json_node *root;
	struct dialect dialect;
	struct anchor *anchors;
	struct resource *next; /* of all, newest first */
	uint32_t number;
	bool used;
};

/* Another name of a resource: where its document was found. */
struct alias {
	struct slice uri;
	struct resource *resource;
	struct alias *next;
};

/* What is known about a place in a document. */
struct place {
	struct resource *resource; /* NULL: no schema that we know of */
	struct schema_node *node;  /* NULL: not yet in the program */
};

struct document {
	const struct json_node *root;
	uint32_t nodes;
	struct place *places;
	struct document *next;
};

/* A schema waits to be compiled. */
struct job {
	const struct json_node *schema;
	struct resource *resource;
	struct schema_node *node;
	struct job *next;
};

struct anchor_name {
	struct slice text;
	uint32_t number;
	struct anchor_name *next;
};

struct compiler {
	const struct schema_options *options;
	struct arena *arena;
	struct schema_error *error;
	struct document *documents;
	struct resource *resources;
	struct alias *aliases;
	struct job *jobs;
	struct anchor_name *anchor_names;
	uint32_t resource_count, node_count, anchor_count, depth;
	bool dynamic, failed, no_memory;
	bool open; /* some object may have members that are not spoken of */
};

/* The error at that place of the resource's document; returns false. */
bool schema_refuse(struct compiler *c, const struct resource *r, const struct json_node *at,
		   const char *format, ...) __attribute__((format(printf, 4, 5), cold));

void *schema_alloc(struct compiler *c, size_t count, size_t bytes);

/* Takes a document in; its schemas, identifiers and anchors are known then. */
struct resource *schema_add_document(struct compiler *c, const struct json_node *root,
				     struct slice uri, const struct dialect *dialect);

/* What that place of the resource's document is known as; finds out what is below it if it was
 * not known to be a schema. */
struct place *schema_place(struct compiler *c, struct resource *r, const struct json_node *node);

/* Where a reference leads; `from` is the $ref's value. *dynamic (may be NULL) says whether it is
 * a dynamic anchor. */
const struct json_node *schema_follow(struct compiler *c, struct resource *r,
				      const struct json_node *from, struct resource **target,
				      bool *dynamic);

/* The part of the document a pointer leads to, with the resource that it belongs to. */
const struct json_node *schema_walk(struct compiler *c, struct resource **r, struct slice pointer);

/* Is it a keyword of the drafts, with a meaning or without? */
bool schema_keyword_known(struct slice name);

/* An empty table for so many texts; false without memory. */
bool schema_names_init(struct compiler *c, struct schema_names *t, uint64_t most);

/* The entry of that text; a new one if there is none. */
struct schema_name *schema_names_put(struct schema_names *t, struct slice text);

/* The table is full: now those bits of the hash are chosen with which the fewest of its texts meet,
 * mostly none. */
void schema_names_settle(struct compiler *c, struct schema_names *t);

/* The node is complete but for its short forms. */
void schema_shorten(struct schema_node *n);
