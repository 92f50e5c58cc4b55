/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A text that grows in the arena of a run, paid for with its steps. For the cel layer only.
 *
 * What does not fit is remembered and gives an error at the end.
 */
#include "cel/function.h"

struct cel_builder {
	struct cel_run *run;
	const struct cel_node *node;
	char *data;
	size_t len, room;
	struct cel_value error;
	bool failed;
};

static inline struct cel_builder cel_builder(struct cel_run *run, const struct cel_node *n)
{
	return (struct cel_builder){.run = run, .node = n};
}

void cel_build(struct cel_builder *b, struct slice s);
void cel_build_repeat(struct cel_builder *b, char c, size_t times);

/* The first that fails counts. */
void cel_build_fail(struct cel_builder *b, const char *sentence);

/* The text, or the error. */
struct cel_value cel_built(const struct cel_builder *b);

/* '...'.format([...]); see fn_format.c. */
struct cel_value cel_format(struct cel_run *run, const struct cel_node *n,
			    const struct cel_value *v);
