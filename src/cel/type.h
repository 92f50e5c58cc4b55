/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What an expression is known to give before it is run.
 *
 * `dyn` is what nothing is known about: it is let through by the check and looked at when it
 * is run. Types are immutable and compared by content, so that static ones can be used freely.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "cel/value.h"

struct cel_type;

/* What is known of a declared object's member. */
enum cel_member_answer {
	CEL_MEMBER_REFUSED = 0, /* there can be none of that name */
	CEL_MEMBER_KNOWN,       /* its type is *type */
	CEL_MEMBER_OPEN,        /* there may be one, of whatever type */
};

struct cel_member {
	const struct cel_type *type; /* of a known one; outlives the program */
	struct slice nearest;        /* for a refused one: what was perhaps meant, or empty */
};

/* A declared kind of object: what a contract's schema says. Its values are maps. */
struct cel_object {
	struct slice name; /* for messages: "message", "message say" */
	enum cel_member_answer (*member)(const struct cel_object *object, struct slice name,
					 struct cel_member *out);
	const void *context;
};

struct cel_type {
	enum {
		CEL_T_DYN = 0,
		CEL_T_VALUE,     /* kind, and nothing more to say */
		CEL_T_LIST,      /* of of[0] */
		CEL_T_MAP,       /* from of[0] to of[1] */
		CEL_T_OBJECT,    /* a map as `object` says */
		CEL_T_PARAMETER, /* in signatures: any type, the same wherever it stands */
	} form;
	enum cel_kind kind;           /* of a CEL_T_VALUE */
	uint32_t at_most;             /* items of a list or map; 0 unknown */
	const struct cel_type *of[2]; /* never NULL where they are said to be */
	const struct cel_object *object;
};

extern const struct cel_type cel_dyn;
extern const struct cel_type cel_list_of_dyn, cel_map_of_dyn; /* map(dyn, dyn) */
extern const struct cel_type cel_types[CEL_KINDS];            /* of a kind; lists and maps of dyn */

/* "int", "list(string)", "map(string, dyn)", the object's name. In the arena; nested types are
 * cut off with `...`. */
struct slice cel_type_text(const struct cel_type *t, struct arena *a);

/* The same type, whatever is dyn being the same as anything. */
bool cel_type_agrees(const struct cel_type *a, const struct cel_type *b);

/* The type of something that is either: dyn where they do not agree. */
const struct cel_type *cel_type_join(const struct cel_type *a, const struct cel_type *b);

/* Both can be equal at all: numbers with numbers, otherwise types that agree. */
bool cel_type_comparable(const struct cel_type *a, const struct cel_type *b);
