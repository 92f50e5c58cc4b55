/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Functions and operators: one row per overload, one table per family. For the cel layer only.
 *
 * A row is what the check resolves a call with and what the evaluation selects by the kinds of
 * the arguments, so that a function's code never sees a value of another kind.
 */
#include "cel/node.h"
#include "cel/type.h"
#include "cel/value.h"

enum { CEL_ARGS_MAX = 4 };

/* One evaluation. */
struct cel_run {
	const struct cel_program *program;
	const struct cel_value *slots;
	uint32_t slot_count;
	struct cel_value *locals;
	struct arena *arena;
	uint64_t steps;    /* left; 0 ends it */
	const char *fatal; /* no || absorbs this */
	const struct cel_node *fatal_node;
};

/* args are of the kinds of the row; the result is a value or an error. */
typedef struct cel_value (*cel_call_fn)(struct cel_run *run, const struct cel_node *n,
					const struct cel_value *args);

struct cel_function {
	struct slice name;
	bool receiver; /* the first argument stands before the dot */
	uint8_t count;
	const struct cel_type *args[CEL_ARGS_MAX];
	const struct cel_type *result;
	cel_call_fn call;
	uint16_t cost; /* steps, where it is more than one */
};

struct cel_functions {
	const struct cel_function *rows;
	uint32_t count;
};

extern const struct cel_functions cel_operators, cel_conversions, cel_time_functions,
	cel_string_functions, cel_string_extension, cel_math_functions, cel_other_functions;

/* Parameters of signatures: any type, another one, any of the three kinds of number. */
enum { CEL_PARAM_A = CEL_ERROR, CEL_PARAM_B = CEL_NULL, CEL_PARAM_NUMBER = CEL_DOUBLE };
extern const struct cel_type cel_a, cel_b, cel_number, cel_list_of_a, cel_map_of_ab,
	cel_list_of_strings;

/* For the tables. */
#define CEL_ANY  &cel_a
#define CEL_T(k) &cel_types[CEL_##k]
#define CEL_FN(text, is_receiver, argc, ret, fn, steps, ...)                                       \
	{                                                                                          \
		.name = SLICE_INIT(text), .receiver = (is_receiver), .count = (argc),              \
		.args = {__VA_ARGS__}, .result = (ret), .call = (fn), .cost = (steps)              \
	}

/* The overloads of that name, which stand together; count is 0 when there are none. */
struct cel_functions cel_functions_named(struct slice name, bool receiver);

/* Offers all names to the suggestion. */
void cel_functions_suggest(struct cel_suggestion *s, bool receiver);

/* ---- for the functions */

struct cel_value cel_fail(const struct cel_node *n, const char *sentence);

/* Ends the evaluation, whatever stands around it. */
struct cel_value cel_fatal(struct cel_run *run, const struct cel_node *n, const char *sentence);

/* Takes that many steps; false when there were not as many left. */
static inline bool cel_take(struct cel_run *run, uint64_t steps)
{
	if (run->steps <= steps) {
		run->steps = 0;
		return false;
	}
	run->steps -= steps;
	return true;
}

/* What reading or writing so many bytes takes. */
static inline bool cel_take_bytes(struct cel_run *run, size_t bytes)
{
	return cel_take(run, bytes / 64 + 1);
}

static inline struct cel_value cel_too_long(struct cel_run *run, const struct cel_node *n)
{
	return cel_fatal(run, n, "the expression takes too many steps");
}

static inline struct cel_value cel_no_memory(struct cel_run *run, const struct cel_node *n)
{
	return cel_fatal(run, n, "the expression needs too much memory");
}

/* Room for that many values, paid for; NULL after which *error is the result. */
struct cel_value *cel_new_items(struct cel_run *run, const struct cel_node *n, uint64_t count,
				struct cel_value *error);

/* The same for bytes. */
char *cel_new_bytes(struct cel_run *run, const struct cel_node *n, uint64_t bytes,
		    struct cel_value *error);

struct cel_value cel_evaluate(struct cel_run *run, const struct cel_node *n);

static inline struct cel_value cel_no_overload(const struct cel_node *n)
{
	return cel_fail(n, "no such overload");
}
