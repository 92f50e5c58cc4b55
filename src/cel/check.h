/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The check's own parts: check.c walks the tree, overload.c resolves calls. For the cel layer
 * only.
 */
#include "cel/function.h"
#include "cel/node.h"

/* A local variable and those around it. */
struct cel_scope {
	const struct cel_scope *outer;
	struct slice name;
	uint32_t slot;
	const struct cel_type *type;
};

/* n is wrong, at its place: false with the error noted. In an unchecked program n becomes a
 * part that fails when it is run, and the answer is true. */
bool cel_check_fail(struct cel_check *c, struct cel_node *n, const char *sentence);
bool cel_check_complain(struct cel_check *c, struct cel_node *n, const char *at_run,
			struct slice sentence, struct slice suggestion);

/* Whether n can be the front of a function's name (math in math.abs), and its text. */
bool cel_check_is_namespace(struct cel_check *c, const struct cel_node *n, struct slice *name);

const struct cel_type *cel_check_list_of(struct cel_check *c, const struct cel_type *of,
					 uint32_t at_most);

/* Checks the arguments and finds the overloads. May turn n into something else than a call. */
bool cel_check_call(struct cel_check *c, struct cel_node *n);
