/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a schema says of values before there is one: their types, members and items. For those
 * who check fields and expressions against a contract when it is loaded.
 *
 *   schema --schema_shape_of--> shape of a message --schema_shape_member--> shape of a member
 *
 * Shapes know type, const, enum, properties, patternProperties, additionalProperties, items,
 * $ref, allOf, anyOf, oneOf, if, and the like; `not`, ranges and patterns of texts are not
 * looked at. So a shape may allow more than the schema, never less. Where finding out would
 * take too long nothing is known. Shapes live in the arena and point into the schema.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "contract/schema.h"

struct schema_shape;

/* NULL without memory. */
const struct schema_shape *schema_shape_of(const struct schema *s, struct arena *a);

/* Types that its values may have: sum of 1 << enum json_type. 0: there can be no value. */
unsigned schema_shape_types(const struct schema_shape *s);

/* Whichever number it is, it is whole. */
bool schema_shape_whole(const struct schema_shape *s);

/* At most so many items has an array; UINT32_MAX: nobody says. */
uint32_t schema_shape_items_max(const struct schema_shape *s);

enum schema_answer {
	SCHEMA_ANSWER_NO = 0,     /* there can be none */
	SCHEMA_ANSWER_UNDECLARED, /* members are listed, and this one is not among them */
	SCHEMA_ANSWER_OPEN,       /* there may be one, of whatever type */
	SCHEMA_ANSWER_KNOWN,      /* there may be one, and *out is its shape */
};

/* The member of that name of an object, or any item of an array. */
enum schema_answer schema_shape_member(const struct schema_shape *s, struct slice name,
				       struct arena *a, const struct schema_shape **out);
enum schema_answer schema_shape_item(const struct schema_shape *s, struct arena *a,
				     const struct schema_shape **out);

/* Calls `each` with every name of a member that is listed; some may come twice. */
void schema_shape_names(const struct schema_shape *s, void (*each)(void *with, struct slice name),
			void *with);

/* Any text at all satisfies it: no maxLength, const, enum, pattern or format bounds it. */
bool schema_shape_any_text(const struct schema_shape *s);
