/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is left to ask of a value when another of the same shape has satisfied the schema: the
 * same members in the same order, so that only the scalars' own schemas can say no.
 *
 *   schema, value that satisfies it --schema_plan_make--> struct schema_plan
 *   value of the same shape ---------schema_plan_holds-------------'
 *
 * Shapes are json/shape.h's: containers and keys are the same, and so is the type of strings and
 * numbers; one of true, false and null may stand for another.
 */
#include "contract/schema.h"

enum { SCHEMA_PLAN_CHECKS = 32 };

struct schema_node;

struct schema_plan {
	const struct schema *schema; /* NULL: there is no plan, and it never holds */
	uint32_t count;
	struct {
		uint32_t node; /* of the value's tape */
		const struct schema_node *schema;
	} checks[SCHEMA_PLAN_CHECKS];
};

/*
 * value satisfies s, and schema_validate_undeclared has found no member in it that s does not
 * declare. fixed: a scalar in it that is the same in all of that shape, or NULL. big: integers of
 * such values may be JSON_IS_BIG. False, and a plan that never holds: what s says of a container
 * depends on the scalars in it, or there are too many.
 */
bool schema_plan_make(struct schema_plan *plan, const struct schema *s,
		      const struct json_node *value, const struct json_node *fixed, bool big);

/*
 * value has that shape. True: schema_validate_undeclared would say that it satisfies the schema,
 * and find nothing. False: whoever wants to know asks it.
 */
bool schema_plan_holds(const struct schema_plan *plan, const struct json_node *value,
		       struct schema_room *room) __attribute__((warn_unused_result));
