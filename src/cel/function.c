/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of functions together, and what functions have in common; see function.h. */
#include "cel/function.h"

static const struct cel_functions *const families[] = {
	&cel_operators,        &cel_conversions,    &cel_time_functions,  &cel_string_functions,
	&cel_string_extension, &cel_math_functions, &cel_other_functions,
};

enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

const struct cel_type cel_a = {.form = CEL_T_PARAMETER, .kind = (enum cel_kind)CEL_PARAM_A};
const struct cel_type cel_b = {.form = CEL_T_PARAMETER, .kind = (enum cel_kind)CEL_PARAM_B};
const struct cel_type cel_number = {.form = CEL_T_PARAMETER,
				    .kind = (enum cel_kind)CEL_PARAM_NUMBER};
const struct cel_type cel_list_of_a = {.form = CEL_T_LIST, .of = {&cel_a, &cel_dyn}};
const struct cel_type cel_map_of_ab = {.form = CEL_T_MAP, .of = {&cel_a, &cel_b}};
const struct cel_type cel_list_of_strings = {.form = CEL_T_LIST,
					     .of = {&cel_types[CEL_STRING], &cel_dyn}};

struct cel_functions cel_functions_named(struct slice name, bool receiver)
{
	struct cel_functions found = {0};

	for (int f = 0; f < FAMILIES; f++)
		for (uint32_t i = 0; i < families[f]->count; i++) {
			const struct cel_function *row = &families[f]->rows[i];
			if (row->receiver != receiver || !slice_eq(row->name, name))
				continue;
			if (!found.rows)
				found.rows = row;
			found.count++;
		}
	return found;
}

void cel_functions_suggest(struct cel_suggestion *s, bool receiver)
{
	for (int f = 0; f < FAMILIES; f++)
		for (uint32_t i = 0; i < families[f]->count; i++)
			if (families[f]->rows[i].receiver == receiver)
				cel_suggest(s, families[f]->rows[i].name);
}

struct cel_value cel_fail(const struct cel_node *n, const char *sentence)
{
	return (struct cel_value){.as.error = {sentence, n}};
}

struct cel_value cel_fatal(struct cel_run *run, const struct cel_node *n, const char *sentence)
{
	if (!run->fatal) {
		run->fatal = sentence;
		run->fatal_node = n;
	}
	return cel_fail(n, run->fatal);
}

struct cel_value *cel_new_items(struct cel_run *run, const struct cel_node *n, uint64_t count,
				struct cel_value *error)
{
	if (count > UINT32_MAX || !cel_take(run, count / 2 + 1)) {
		*error = cel_too_long(run, n);
		return NULL;
	}
	struct cel_value *items = arena_calloc(run->arena, count, sizeof(*items));
	if (!items)
		*error = cel_no_memory(run, n);
	return items;
}

char *cel_new_bytes(struct cel_run *run, const struct cel_node *n, uint64_t bytes,
		    struct cel_value *error)
{
	if (bytes > UINT32_MAX || !cel_take_bytes(run, bytes)) {
		*error = cel_too_long(run, n);
		return NULL;
	}
	char *room = arena_alloc(run->arena, bytes);
	if (!room)
		*error = cel_no_memory(run, n);
	return room;
}
