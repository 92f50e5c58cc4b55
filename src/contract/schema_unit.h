/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One schema while it is compiled: its keywords, and the node that they become. Private to
 * src/contract.
 *
 *   schema_compile.c    schemas one after the other, each with its types; the whole
 *     schema_parts.c    what is asked of strings, numbers, arrays and objects
 *     schema_other.c    what is asked of all values: const, enum, references, allOf, ...
 *
 * A keyword that is wrong is refused where it is read; what comes of it then does not matter.
 */
#include "contract/schema_compile.h"

enum {
	ALL_TYPES = 1 << JSON_NULL | 1 << JSON_BOOL | 1 << JSON_NUMBER | 1 << JSON_STRING |
		    1 << JSON_ARRAY | 1 << JSON_OBJECT,
};

/* What one schema is compiled from and into. */
struct unit {
	struct compiler *c;
	struct resource *r;
	const struct json_node *schema;
	struct schema_node *node;
	bool validation, applicator, unevaluated; /* vocabularies */
};

/* ---- schema_compile.c */

/* The node of the schema at that place, compiled now or later. */
const struct schema_node *schema_node_of(struct compiler *c, struct resource *r,
					 const struct json_node *schema);

/* The nodes of a keyword's value, which is an array of schemas. */
struct schema_list schema_list_of(const struct unit *u, const struct json_node *v);

/* The keyword's value, which is of that type; NULL: it is not given. */
const struct json_node *schema_typed(const struct unit *u, const char *name, enum json_type type);

/* ---- schema_parts.c */

/* The parts of the node for strings, numbers, arrays and objects. */
void schema_compile_parts(const struct unit *u);

/* ---- schema_other.c */

/* The part of the node for values of every type. */
void schema_compile_other(const struct unit *u);

/* In draft-07 a reference stands alone: what is beside it is not looked at. False: not so here. */
bool schema_compile_lone_reference(const struct unit *u);

/* Dynamic anchors of every resource that can be entered: their schemas may be new. */
void schema_compile_anchors(struct compiler *c, struct schema *s);

/* ---- keywords */

/* Its value; NULL: it is not given. */
static inline const struct json_node *keyword(const struct unit *u, const char *name)
{
	return json_member(u->schema, slice_from_cstr(name));
}

static inline bool refuse(const struct unit *u, const struct json_node *at, const char *what)
{
	return schema_refuse(u->c, u->r, at, "%s", what);
}

static inline const struct schema_node *child(const struct unit *u, const char *name)
{
	const struct json_node *v = keyword(u, name);

	return v ? schema_node_of(u->c, u->r, v) : NULL;
}

static inline struct schema_list children(const struct unit *u, const char *name)
{
	const struct json_node *v = keyword(u, name);

	return v ? schema_list_of(u, v) : (struct schema_list){NULL, 0};
}

/* A string's bytes; an empty string has some too, as long as the document lives. */
static inline struct slice name_text(const struct json_node *v)
{
	struct slice s = json_string(v);

	return s.data ? s : SLICE("");
}
