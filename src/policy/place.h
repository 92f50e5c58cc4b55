/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The values of a message that a field of a rule speaks of (struct conf_field).
 *
 *   {"a": {"b": 1}}            a.b        -> 1
 *   {"a": [{"b": 1}, {"b": 2}]}  a.b        -> 1, 2
 *   {"a": {"x": 1, "y": 2}}    a.*        -> 1, 2
 *   anything                   (no steps) -> the whole message
 */
#include <stdbool.h>

#include "conf/rules.h"

/* Called for each value; false ends the walk. */
typedef bool (*place_fn)(void *with, const struct json_node *value);

/* Visits the values of the field in the order of the message; false if `each` ended it. */
bool place_each(const struct conf_field *field, const struct json_node *root, place_fn each,
		void *with);

/* Visits every string at or below the values of the field; keys are not among them. */
bool place_each_string(const struct conf_field *field, const struct json_node *root, place_fn each,
		       void *with);

/* The value, if the field names exactly one and there is one; else NULL. */
const struct json_node *place_one(const struct conf_field *field, const struct json_node *root);
