/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers as they are written, not as doubles hold them: 0.3 is a multiple of 0.1, and
 * 18446744073709551617 is above 18446744073709551616. Time grows with the text's length.
 */
#include "json/value.h"

/* As the functions below, for what is not an integer (or two). */
int schema_number_cmp_decimal(const struct json_node *a, const struct json_node *b);
bool schema_number_whole_decimal(const struct json_node *v);

/* Below, equal, above: -1, 0, 1. Both are numbers. */
static inline int schema_number_cmp(const struct json_node *a, const struct json_node *b)
{
	if (a->flags & b->flags & JSON_IS_INTEGER)
		return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
	return schema_number_cmp_decimal(a, b);
}

static inline bool schema_number_whole(const struct json_node *v)
{
	return v->flags & JSON_IS_INTEGER || schema_number_whole_decimal(v);
}

/* Can it be a divisor: positive, at most 18 significant digits? */
bool schema_number_divides(const struct json_node *divisor);

bool schema_number_multiple(const struct json_node *v, const struct json_node *divisor);

/* Equality of values as json_equal, but numbers as they are written. */
bool schema_equal(const struct json_node *a, const struct json_node *b);
