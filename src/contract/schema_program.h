/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a schema is compiled to; for schema_*.c only.
 *
 * Every subschema is a node. Most have one or two of the five parts, each for values of one
 * type; what is not there costs nothing. Children are pointers, so that a reference costs as
 * much as what it refers to; the graph may have cycles, but none that stays at one value.
 */
#include "base/slice.h"
#include "contract/format.h"
#include "contract/regex.h"
#include "contract/schema.h"

enum {
	SCHEMA_NODES_MAX = 50000,
	SCHEMA_RESOURCES_MAX = 4096,
	SCHEMA_CHAIN_MAX = 200, /* nodes in the place of one value, one inside the other */
	SCHEMA_DEPTH_MAX = 640, /* of the validator's recursion */
};

struct schema_node;

struct schema_list {
	const struct schema_node **items;
	uint32_t count;
};

/* A table of texts: open addressing, a power of two of slots, at most half of them used. */
struct schema_name {
	struct slice text; /* data NULL: free */
	uint32_t hash;
	bool required;
	const struct schema_node *schema;    /* of properties; may be NULL */
	const struct schema_node *dependent; /* applied to the object when this member is there */
	const struct json_name *needs;       /* other members that must be there then */
	uint32_t needs_count;
};

struct schema_names {
	struct schema_name *slots;
	uint32_t mask;
	uint8_t shift; /* which bits of the hash say where to look first */
};

struct schema_string {
	uint32_t min, max; /* characters */
	const struct regex *pattern;
	format_fn format;
};

struct schema_number {
	const struct json_node *min, *max, *above, *below, *multiple_of;
};

struct schema_array {
	uint32_t min, max;
	bool unique, contains_counts; /* items that `contains` matched are evaluated */
	struct schema_list prefix;
	const char *prefix_keyword;
	const struct schema_node *items;
	const char *items_keyword;
	const struct schema_node *contains;
	uint32_t contains_min, contains_max;
	const struct schema_node *unevaluated;
};

struct schema_pattern {
	const struct regex *regex;
	const struct schema_node *schema;
};

struct schema_object {
	uint32_t min, max;
	struct schema_names names;
	uint32_t required;
	bool has_names, has_dependents;
	bool lists; /* says which members there may be */
	bool plain; /* names and `additional` say all that is asked of single members */
	const char *dependents_keyword, *needs_keyword;
	const struct schema_pattern *patterns;
	uint32_t pattern_count;
	const struct schema_node *additional;
	const struct schema_node *property_names;
	const struct schema_node *unevaluated;
};

/* The outermost resource that was entered and has this dynamic anchor decides. */
struct schema_dynamic {
	const struct schema_node *fallback;
	uint32_t anchor; /* number of the name; 0: it is an ordinary reference */
};

struct schema_other {
	bool only_values; /* there is nothing but `constant` and `enumeration` */
	const struct json_node *constant;
	const struct json_node *enumeration; /* array */
	struct schema_names words;           /* of an enumeration of strings only */
	bool has_words;
	const struct schema_node *ref;
	struct schema_dynamic dynamic;
	struct schema_list all, any, one;
	const struct schema_node *none, *condition, *then, *otherwise;
};

/* What a node asks of most values that satisfy it, in a form that is looked at in line. It only
 * ever says yes: whoever does not fit is checked as thoroughly as all others. */
enum schema_quick_kind {
	SCHEMA_NOT_QUICK = 0,
	SCHEMA_QUICK_TEXT,    /* so many bytes are surely as many characters as there may be */
	SCHEMA_QUICK_INTEGER, /* written without fraction, between these two */
	SCHEMA_QUICK_WORD,    /* that very text */
	SCHEMA_QUICK_WORDS,   /* one of these */
};

struct schema_quick {
	enum schema_quick_kind kind;
	union {
		struct {
			uint32_t least, most;
			format_fn format; /* or NULL */
		} bytes;
		struct {
			int64_t least, most;
		} integer;
		const struct json_node *word;
		const struct schema_names *words;
	} is;
};

struct schema_node {
	uint8_t types; /* bit per enum json_type */
	uint8_t plain; /* the same: of those values nothing else is asked */
	bool whole;    /* numbers must be whole */
	bool int64;    /* `format: int64`: integers that no double holds may stand here */
	bool never;    /* the schema false */
	uint8_t visit; /* while the cost is counted */
	uint32_t resource;
	struct schema_quick quick;
	const struct schema_string *string;
	const struct schema_number *number;
	const struct schema_array *array;
	const struct schema_object *object;
	const struct schema_other *other;
	uint64_t cost;
	uint32_t chain;
};

struct schema_anchor {
	uint32_t name;
	const struct schema_node *node;
};

struct schema_resource {
	struct schema_anchor *anchors; /* dynamic ones */
	uint32_t count;
};

struct schema {
	const struct schema_node *root;
	struct schema_resource *resources;
	uint32_t resource_count, nodes;
	bool dynamic; /* some reference is */
	bool closed;  /* see schema_closed */
	uint64_t cost;
};

/* The entry from slot i on; NULL: there is none. */
const struct schema_name *schema_names_walk(const struct schema_names *t, const char *data,
					    uint32_t len, uint32_t hash, uint32_t i);

/* Most are where they are looked for first. */
static inline const struct schema_name *
schema_names_find(const struct schema_names *t, const char *data, uint32_t len, uint32_t hash)
{
	uint32_t i = hash >> t->shift & t->mask;
	const struct schema_name *n = &t->slots[i];

	if (n->hash == hash && n->text.len == len && n->text.data &&
	    slice_same(n->text.data, data, len))
		return n;
	return n->text.data ? schema_names_walk(t, data, len, hash, i + 1) : NULL;
}

/* The cost and the length of the chain at every node reached from root; NULL if all is well,
 * else what is wrong. */
const char *schema_cost_count(struct schema_node *root);
