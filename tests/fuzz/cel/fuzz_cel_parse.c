/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text: compiled with and without the check. What is refused says why and where; what the
 * check accepts, a program without it accepts as well; and both are bounded by their arena.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cel/cel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "broken: %s\n", #condition);                               \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static bool compiles(struct slice text, bool unchecked)
{
	const struct cel_variable names[] = {{SLICE_INIT("x"), NULL},
					     {SLICE_INIT("m.n"), &cel_map_of_dyn},
					     {SLICE_INIT("l"), &cel_list_of_dyn}};
	const struct cel_env env = {
		.variables = names, .variable_count = 3, .unchecked = unchecked};
	const struct cel_program *p;
	struct cel_error error = {0};
	struct arena a;

	arena_init(&a, 1 << 16, 1 << 24);
	int r = cel_compile(text, &env, &a, &p, &error);
	MUST(r == 0 || r == CEL_FAILED);
	if (r) {
		MUST(!p && error.sentence.len && error.phase != CEL_PHASE_RUN);
		MUST(error.at <= text.len);
	} else {
		MUST(cel_type_text(cel_program_type(p), &a).len);
		MUST(cel_program_cost(p));
	}
	arena_deinit(&a);
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + !size);

	if (size)
		memcpy(copy, data, size);
	bool checked = compiles(slice_of(copy, size), false);
	MUST(compiles(slice_of(copy, size), true) || !checked);
	free(copy);
	return 0;
}
